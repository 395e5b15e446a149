/** The number of an order that people see, also in messages (`order_number` of adapters-templates): the ids of one day share their beginning. */
export const orderNumber = (id: string): string => id.slice(-12).toUpperCase();
