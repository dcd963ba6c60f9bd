/** Kinds of requests between the services of two nodes (32 to 63 on the peer connection). */
export const RPC = { propose: 32, search: 33, fetch: 34, scroll: 35, count: 36, indexReports: 37 } as const;
