/** The two lines that connect Claude Code to a gateway. Values are quoted where a shell would read more into them. */
export function connectLines(url: string, secret: string): string[] {
  return [`export ANTHROPIC_BASE_URL=${quoted(url)}`, `export ANTHROPIC_AUTH_TOKEN=${quoted(secret)}`];
}

function quoted(text: string): string {
  return /^[\w@%+=:,./-]+$/.test(text) ? text : `'${text.replaceAll("'", "'\\''")}'`;
}
