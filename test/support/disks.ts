import { cp, readdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import type { LocalCluster } from './cluster.ts';

/** Where a node keeps its data. */
export function dataOf(cluster: LocalCluster, nodeId: string): string {
  return join(cluster.node(nodeId).directory, 'data');
}

/** What was on the disk of a node is gone; the directory stays, it may be a mount point. */
export async function wipe(cluster: LocalCluster, nodeId: string): Promise<void> {
  const directory = dataOf(cluster, nodeId);
  for (const name of await readdir(directory)) await rm(join(directory, name), { recursive: true });
}

/** A copy of the disk of a node that does not run, as a snapshot of its volume. */
export async function copyDisk(cluster: LocalCluster, nodeId: string, to: string): Promise<void> {
  await rm(to, { recursive: true, force: true });
  await cp(dataOf(cluster, nodeId), to, { recursive: true, preserveTimestamps: true });
}

/** Puts a copy in the place of the disk. */
export async function restoreDisk(cluster: LocalCluster, nodeId: string, from: string): Promise<void> {
  await wipe(cluster, nodeId);
  await cp(from, dataOf(cluster, nodeId), { recursive: true, preserveTimestamps: true });
}

/** Names in the data directory. */
export function namesOn(cluster: LocalCluster, nodeId: string): Promise<string[]> {
  return readdir(dataOf(cluster, nodeId));
}
