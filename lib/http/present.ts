/** Domain to wire: the words and fields of GitLab's API. Only here are names in snake_case. */
import type { DirectUpload, SignedUpload } from '../domain/directUpload.ts'
import type { Package, PackageEntry, PackageFile, PackageVersion, Tag } from '../domain/package.ts'
import type { Membership, User } from '../domain/permissions.ts'
import { fullNameOf, type Group, type PlacedProject, type Project, parentId } from '../domain/project.ts'
import type { DeployToken, PersonalToken } from '../domain/token.ts'

/** How public URLs start; see `externalUrl`. */
type Site = { url: string }

const presentTag = ({ id, packageId, name, createdAt, updatedAt }: Tag) => ({
  id,
  package_id: packageId,
  name,
  created_at: createdAt,
  updated_at: updatedAt,
})

const presentLinks = (entry: PackageEntry, project: PlacedProject, site: Site, mayDelete: boolean) => {
  const hasPage = entry.status === 'default' || entry.status === 'deprecated'
  const page = entry.type === 'terraform_module' ? 'terraform_module_registry' : 'packages'
  return {
    ...(hasPage ? { web_path: `/${project.fullPath}/-/${page}/${entry.id}` } : {}),
    ...(mayDelete ? { delete_api_path: `${site.url}/api/v4/projects/${project.id}/packages/${entry.id}` } : {}),
  }
}

/** A package in a project's list. */
export const presentPackage = (entry: PackageEntry, project: PlacedProject, site: Site, mayDelete: boolean) => ({
  id: entry.id,
  name: entry.name,
  version: entry.version,
  package_type: entry.type,
  status: entry.status,
  _links: presentLinks(entry, project, site, mayDelete),
  created_at: entry.createdAt,
  last_downloaded_at: entry.lastDownloadedAt,
  tags: entry.tags.map(presentTag),
})

/** A package in a group's list, which also says whose it is. */
export const presentGroupPackage = (entry: PackageEntry, project: PlacedProject, site: Site, mayDelete: boolean) => ({
  ...presentPackage(entry, project, site, mayDelete),
  project_id: project.id,
  project_path: project.fullPath,
})

export const presentPackageVersion = ({ id, version, createdAt, tags }: PackageVersion) => ({
  id,
  version,
  created_at: createdAt,
  tags: tags.map(presentTag),
})

export const presentPackageFile = (file: PackageFile) => ({
  id: file.id,
  package_id: file.packageId,
  created_at: file.createdAt,
  file_name: file.fileName,
  size: file.size,
  file_md5: file.md5,
  file_sha1: file.sha1,
  file_sha256: file.sha256,
})

/** GitLab's number for files that are in an object store. */
const OBJECT_STORE = 2

/** The bare record of a file, which GitLab answers to an upload that asks for it. `url` is where to download it. */
export const presentPackageFileRecord = (file: PackageFile, url: string) => ({
  id: file.id,
  package_id: file.packageId,
  created_at: file.createdAt,
  updated_at: file.createdAt,
  size: file.size,
  file_store: OBJECT_STORE,
  file_md5: file.md5,
  file_sha1: file.sha1,
  file_name: file.fileName,
  file: { url },
  file_sha256: file.sha256,
  verification_retry_at: null,
  verified_at: null,
  verification_failure: null,
  verification_retry_count: null,
  verification_checksum: null,
  verification_state: 0,
  verification_started_at: null,
  status: 'default',
  new_file_path: null,
})

/** Where and how to send a file past this service, and where to say that it is there. */
export const presentDirectUpload = (
  upload: DirectUpload,
  { method, url, headers }: SignedUpload,
  confirmUrl: string,
) => ({
  id: upload.id,
  package_type: upload.type,
  path: upload.path,
  size: upload.size,
  sha256: upload.sha256,
  created_at: upload.createdAt,
  expires_at: upload.due,
  upload: { method, url, headers },
  confirm_url: confirmUrl,
})

/** The bare record, which GitLab answers to a publish. */
export const presentPackageRecord = (record: Package) => ({
  id: record.id,
  project_id: record.projectId,
  created_at: record.createdAt,
  updated_at: record.updatedAt,
  name: record.name,
  version: record.version,
  package_type: record.type,
  creator_id: record.creatorId,
  status: record.status,
  last_downloaded_at: record.lastDownloadedAt,
})

/** @param ancestors the groups around it, from the top down */
export const presentGroup = (group: Group, ancestors: readonly Group[], site: Site) => ({
  id: group.id,
  web_url: `${site.url}/groups/${group.fullPath}`,
  name: group.name,
  path: group.path,
  description: group.description,
  visibility: group.visibility,
  avatar_url: null,
  full_name: fullNameOf(group, ancestors),
  full_path: group.fullPath,
  parent_id: parentId(group),
  created_at: group.createdAt,
})

const presentNamespace = (namespace: Group, site: Site) => ({
  id: namespace.id,
  name: namespace.name,
  path: namespace.path,
  kind: namespace.kind,
  full_path: namespace.fullPath,
  parent_id: parentId(namespace),
  avatar_url: null,
  web_url: `${site.url}/${namespace.kind === 'group' ? 'groups/' : ''}${namespace.fullPath}`,
})

/** The caller's own role in a project and in the groups around it; semantic-release decides by them. */
export type ProjectRoles = { project: number | undefined; group: number | undefined }

const presentRole = (accessLevel: number | undefined) =>
  accessLevel === undefined ? null : { access_level: accessLevel, notification_level: 3 }

/**
 * The fields that a list shows when it is asked for `simple` ones.
 * @param ancestors the groups around it, from the top down to its namespace
 */
export const presentSimpleProject = (project: Project, ancestors: readonly Group[], site: Site) => ({
  id: project.id,
  description: project.description,
  name: project.name,
  name_with_namespace: fullNameOf(project, ancestors),
  path: project.path,
  path_with_namespace: project.fullPath,
  created_at: project.createdAt,
  web_url: `${site.url}/${project.fullPath}`,
  avatar_url: null,
  last_activity_at: project.createdAt,
  visibility: project.visibility,
  namespace: presentNamespace(ancestors.at(-1) as Group, site),
})

/** @param ancestors the groups around it, from the top down to its namespace */
export const presentProject = (project: Project, ancestors: readonly Group[], site: Site, roles?: ProjectRoles) => ({
  ...presentSimpleProject(project, ancestors, site),
  creator_id: project.creatorId,
  archived: false,
  packages_enabled: true,
  package_registry_access_level: project.visibility === 'public' ? 'public' : 'enabled',
  _links: {
    self: `${site.url}/api/v4/projects/${project.id}`,
    members: `${site.url}/api/v4/projects/${project.id}/members`,
  },
  ...(roles
    ? { permissions: { project_access: presentRole(roles.project), group_access: presentRole(roles.group) } }
    : {}),
})

/** A user as everybody sees him. */
export const presentUser = ({ id, username, name }: User, site: Site) => ({
  id,
  username,
  name,
  state: 'active',
  avatar_url: null,
  web_url: `${site.url}/${username}`,
})

/** A user as everybody who is signed in sees him when he asks for that one. */
export const presentUserProfile = (user: User, site: Site) => ({
  ...presentUser(user, site),
  created_at: user.createdAt,
  public_email: null,
  bot: false,
})

/** A user as he himself and administrators see him. */
export const presentOwnUser = (user: User, site: Site) => ({
  ...presentUser(user, site),
  created_at: user.createdAt,
  email: user.email,
  public_email: null,
  commit_email: user.email,
  namespace_id: user.namespaceId,
  is_admin: user.admin,
  external: false,
  bot: false,
})

export const presentMember = (user: User, membership: Membership, site: Site) => ({
  ...presentUser(user, site),
  access_level: membership.accessLevel,
  created_at: membership.createdAt,
  expires_at: membership.expiresOn,
  membership_state: 'active',
})

export const presentDeployToken = (token: DeployToken, isExpired: boolean) => ({
  id: token.id,
  name: token.name,
  username: token.username,
  expires_at: token.expiresAt,
  scopes: token.scopes,
  revoked: false,
  expired: isExpired,
  last_used_at: token.lastUsedAt,
})

export const presentPersonalToken = (token: PersonalToken, isActive: boolean) => ({
  id: token.id,
  name: token.name,
  revoked: token.revoked,
  created_at: token.createdAt,
  description: null,
  scopes: token.scopes,
  user_id: token.userId,
  last_used_at: token.lastUsedAt,
  active: isActive,
  expires_at: token.expiresOn,
})

/** @param secret only the answer that makes a token shows it */
export const presentNewPersonalToken = (token: PersonalToken, isActive: boolean, secret: string) => ({
  ...presentPersonalToken(token, isActive),
  token: secret,
})
