/** Custom metadata by which a stored object is known as this run's and this item's (I2). */
export const objectMarks = { run: 'spotloop-run', index: 'spotloop-index' } as const;
