/** A problem that the reader can mend: it is told as a sentence, without a stack. */
export class StartError extends Error {}
