/** Our entity id at a provider, and where our metadata stands: below the address that answers are posted to. */
export function entityIdOf(callback: string): string {
  return `${callback}/metadata`;
}
