/** Custom metadata by which a stored object is known as this run's and this item's (I2). */
export const objectMarks = {
  run: 'spotloop-run',
  index: 'spotloop-index',
  /** On the item's own object only: its side files' sizes by suffix, as JSON. */
  sideFiles: 'spotloop-side-files',
  /** On a side file only: its suffix. */
  side: 'spotloop-side',
} as const;
