import { GrapeError } from '../base/index.ts';
import type { ClusterMap } from '../cluster/index.ts';
import type { CollectionSchema } from '../model/index.ts';
import type { Directory } from './ports.ts';

/** Throws NOT_A_MEMBER while the node belongs to no formed cluster. */
export function formedMap(directory: Directory): ClusterMap {
  const map = directory.map();
  if (map === undefined)
    throw new GrapeError('NOT_A_MEMBER', 'this node does not belong to a formed cluster yet');
  return map;
}

/**
 * Undefined only in a cluster that has never seen a write and was told no dimension: it is surely empty. Throws
 * NOT_A_MEMBER, and SHARD_UNAVAILABLE while it exists but is not open on this node yet, or
 * while that is not known: a node that starts applies its log first.
 */
export function collectionToRead(directory: Directory): CollectionSchema | undefined {
  const map = formedMap(directory);
  const schema = directory.collection();
  if (schema === undefined && (map.collections.length > 0 || !directory.isMapCurrent())) {
    throw new GrapeError('SHARD_UNAVAILABLE', 'the collection is not open on this node yet');
  }
  return schema;
}
