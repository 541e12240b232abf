/** A document that is not read. The message goes on from "the document …" and repeats nothing of it. */
export class XmlFault extends Error {
  constructor(message: string) {
    super(message);
    this.name = 'XmlFault';
  }
}
