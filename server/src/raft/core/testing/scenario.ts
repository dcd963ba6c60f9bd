/**
 * Stories about a group, in text. A line that starts with `> ` is a command, the lines below it are what must come out of
 * it, `#` starts a comment; the first comment says what the story shows. `verbs.ts` lists the commands.
 */
import { Stage } from './stage.ts';
import { perform } from './verbs.ts';

/** The first comment of a story: its title. */
export function titleOf(text: string): string {
  const title = text.split('\n').find((line) => line.startsWith('# '));
  return title?.slice(2).replace(/\.$/, '') ?? 'a story without a title';
}

/** Performs every command; answers the text with what came out now in place of what was expected. */
export function performStory(text: string): string {
  const stage = new Stage();
  const out: string[] = [];
  for (const line of text.split('\n')) {
    if (line.startsWith('> ')) out.push(line, ...output(stage, line.slice(2)));
    else if (line === '' || line.startsWith('#')) out.push(line);
  }
  return `${out
    .join('\n')
    .replace(/\n{3,}/g, '\n\n')
    .trimEnd()}\n`;
}

function output(stage: Stage, command: string): readonly string[] {
  const words = command.split(/\s+/).filter((word) => word !== '');
  const isSilent = words[0] === 'silently';
  try {
    perform(stage, isSilent ? words.slice(1) : words);
  } catch (error) {
    throw new Error(`the command "> ${command}", after\n${stage.takeLines().join('\n')}`, { cause: error });
  }
  const lines = stage.takeLines();
  return isSilent ? [] : lines.map((line) => `  ${line}`);
}
