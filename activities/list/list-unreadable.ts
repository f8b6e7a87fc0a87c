/** The list cannot be read until a person changes something. Anything else that is thrown may pass by itself. */
export class ListUnreadable extends Error {}
