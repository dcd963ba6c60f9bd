/** One way to break a rule on purpose, and the test that must notice. */
export interface Mutant {
  /** Says what the broken code does: unique, kebab-case. */
  readonly name: string;
  /** The rule that is broken, as a reader of the documents knows it. */
  readonly rule: string;
  /** File to change, from the root of the repository. */
  readonly file: string;
  /** Text that occurs exactly once in `file`. */
  readonly find: string;
  readonly replace: string;
  readonly killer: Killer;
}

/** A test that fails when the mutant is in the code. */
export interface Killer {
  /** Test file, from the root of the repository. */
  readonly file: string;
  /** Part of the full name of one or several tests in it; one of them has to fail. */
  readonly test: string;
  /** For a test that goes through seeds: it has to fail within so many. */
  readonly seedsMax?: number;
}

/** What became of one mutant. Everything but `killed` fails the run. */
export type Verdict =
  | { readonly kind: 'killed'; readonly by: string; readonly seeds: number | undefined }
  | { readonly kind: 'survived'; readonly reason: string };

export interface Judged {
  readonly mutant: Mutant;
  readonly verdict: Verdict;
}
