/** How often replicas on this node did what with named entries, since the process started. */
export interface RetryCounts {
  /** Answered with the first result. */
  repeated: number;
  /** Refused: the name was used for another write, or the sequence is over. */
  misnamed: number;
  /** Refused: no room for another row. */
  full: number;
  /** Rows forgotten to make room. */
  evicted: number;
}

export function noRetryCounts(): RetryCounts {
  return { repeated: 0, misnamed: 0, full: 0, evicted: 0 };
}
