import type { PackageStatus } from '../../lib/domain/package.ts'
import { parseGenericPath } from '../../lib/generic/names.ts'
import type { DirectFormat } from '../uploads/directFormat.ts'
import { addFile } from './addFile.ts'

/** `:package_name/:package_version/:file_name`, as in the route of generic packages. */
const parsePath = (path: string) => {
  const [package_name = '', package_version = '', ...file] = path.split('/')
  return parseGenericPath({ package_name, package_version, file_path: file.join('/') })
}

export const genericUploads: DirectFormat = {
  nameOf: ({ path }) => parsePath(path).name,
  add: ({ db, writer }, { id, fileId, path, options }, { size, md5, sha1, sha256 }) =>
    addFile(
      db,
      parsePath(path),
      { id: fileId, size, md5, sha1, sha256 },
      { writer, status: options.status as PackageStatus | undefined, directUploadId: id },
    ),
}
