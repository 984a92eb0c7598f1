import { createHash } from 'node:crypto'
import type { PackageStatus, PackageType } from '../lib/domain/package.ts'
import { ACCESS_LEVELS } from '../lib/domain/permissions.ts'
import type { Group, Project, Visibility } from '../lib/domain/project.ts'
import type { Writer } from '../lib/domain/protection.ts'
import type { Database } from '../lib/repository/database.ts'
import type { Key } from '../lib/repository/keys.ts'

/**
 * @property seed the same one makes the same registry
 * @property depth how deep groups are nested, the top group included
 */
export type RegistrySize = { packages: number; projects: number; groups: number; depth: number; seed: number }

export type Registry = { top: Group; groups: Group[]; projects: Project[]; packages: number }

/** What may be in a table to which a registry is added: nothing of the registry itself is there yet. */
export const isNewWith = ({ pk }: Key) => !/^(COUNTER|USER|CONTENTS|PATH)#/.test(pk)

/** Numbers from 0 up to 1, the same ones for the same seed (mulberry32 by Tommy Ettinger, public domain). */
export const randomFrom = (seed: number) => {
  let state = seed >>> 0
  return () => {
    state = (state + 0x6d2b79f5) >>> 0
    let mixed = Math.imul(state ^ (state >>> 15), state | 1)
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61)
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32
  }
}

const VISIBILITIES: Visibility[] = ['private', 'internal', 'public']
/** Most groups are as visible as what is around them. */
const visibilityWithin = (around: Visibility, random: () => number): Visibility => {
  const allowed = VISIBILITIES.slice(0, VISIBILITIES.indexOf(around) + 1)
  return random() < 0.7 ? around : (allowed[Math.floor(random() * allowed.length)] as Visibility)
}

/** Of more than a few projects three are private whatever is around them: also in a small registry somebody sees more. */
export const isHidden = (place: number, projects: number) => projects > 3 && place % Math.ceil(projects / 3) === 0

const WORDS = ['auth', 'billing', 'cache', 'client', 'common', 'core', 'data', 'design', 'events', 'forms', 'gateway']
const typeOf = (roll: number): PackageType => (roll < 0.6 ? 'npm' : roll < 0.85 ? 'maven' : 'generic')
const statusOf = (roll: number): PackageStatus => (roll < 0.96 ? 'default' : roll < 0.99 ? 'deprecated' : 'hidden')

const FILE_ENDS: Partial<Record<PackageType, string>> = { npm: 'tgz', maven: 'jar', generic: 'zip' }

/** How many versions the next name has: most have few, a few have very many. */
const versionsOf = (random: () => number) => Math.min(400, Math.ceil(1.2 / (1 - random()) ** 1.1))

const fileOf = ({ name, version, type }: Version, id: number) => {
  const hash = (algorithm: string) => createHash(algorithm).update(String(id)).digest('hex')
  return {
    id,
    fileName: `${name.split('/').at(-1)}-${version}.${FILE_ENDS[type]}`,
    size: 1_000 + ((id * 7919) % 400_000),
    md5: hash('md5'),
    sha1: hash('sha1'),
    sha256: hash('sha256'),
  }
}

const publish = async (db: Database, project: Project, wanted: Version, createdAt: string, hasFile: boolean) => {
  const writer: Writer = { project, accessLevel: ACCESS_LEVELS.owner, userId: project.creatorId }
  await db.packages.publish(writer, {
    ...wanted,
    id: await db.packages.nextPackageId(),
    creatorId: project.creatorId,
    createdAt,
    files: hasFile ? [fileOf(wanted, await db.packages.nextFileId())] : [],
  })
}

type Version = { name: string; version: string; type: PackageType; status: PackageStatus; tags: string[] }

/**
 * Makes a registry as they are: groups nested in one top group, projects of every visibility in all of them, packages of
 * three formats, many versions of few names. What is written is what publishing one by one would write, but for the
 * bytes of the files: there are none to download.
 * @param note is told how many packages there are so far, every few thousand, and may write down what waits
 * @param hasFiles whether each package has a file, which no list of packages reads
 */
export const makeRegistry = async (
  db: Database,
  owner: { id: number },
  { packages, projects: projectCount, groups: groupCount, depth, seed }: RegistrySize,
  note: (done: number) => Promise<void> = async () => {},
  hasFiles = true,
): Promise<Registry> => {
  const random = randomFrom(seed)
  const createdAt = new Date().toISOString()
  const pick = <Thing>(things: readonly Thing[]) => things[Math.floor(random() * things.length)] as Thing
  const described = (path: string, visibility: Visibility) => ({ name: path, path, description: '', visibility })

  const top = await db.groups.createGroup(undefined, described(`demo-${seed}`, 'public'), owner.id, createdAt)
  const groups = [top]
  while (groups.length < groupCount) {
    const parent = pick(groups.filter(({ ancestorIds }) => ancestorIds.length + 1 < depth))
    const visibility = visibilityWithin(parent.visibility, random)
    groups.push(
      await db.groups.createGroup(
        parent,
        described(`${pick(WORDS)}-${groups.length}`, visibility),
        owner.id,
        createdAt,
      ),
    )
  }
  const projects: Project[] = []
  while (projects.length < projectCount) {
    const parent = pick(groups)
    const path = `${pick(WORDS)}-${projects.length}`
    const visibility = visibilityWithin(parent.visibility, random)
    const wanted = described(path, isHidden(projects.length, projectCount) ? 'private' : visibility)
    projects.push(await db.groups.createProject(parent, wanted, owner.id, createdAt))
  }

  /** What waits for its next version: names of many projects take turns, as their authors do. */
  let named = 0
  const names: { project: Project; name: string; type: PackageType; left: number; made: number }[] = []
  for (let done = 0; done < packages; done++) {
    while (names.length < Math.min(200, packages - done)) {
      const type = typeOf(random())
      const word = `${pick(WORDS)}-${pick(WORDS)}-${++named}`
      const name = type === 'npm' ? `@demo/${word}` : type === 'maven' ? `com/example/${word}` : word
      names.push({ project: pick(projects), name, type, left: versionsOf(random), made: 0 })
    }
    const place = Math.floor(random() * names.length)
    const next = names[place] as (typeof names)[number]
    const version = `${Math.floor(next.made / 20)}.${Math.floor(next.made / 4) % 5}.${next.made % 4}`
    const tags = next.type === 'npm' && next.left === 1 ? ['latest'] : []
    const wanted = { ...next, version, status: statusOf(random()), tags }
    await publish(db, next.project, wanted, createdAt, hasFiles)
    next.made++
    next.left--
    if (next.left === 0) names.splice(place, 1)
    if ((done + 1) % 2_000 === 0) await note(done + 1)
  }
  await note(packages)
  return { top, groups, projects, packages }
}
