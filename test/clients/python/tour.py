"""A tour of the API with python-gitlab. Prints what it got as one JSON object, which pythonGitlab.test.ts judges.

Reads GITLAB_URL, TOKEN (an administrator's) and NAME, which starts the names of what it makes.
"""

import json
import os
import tempfile

import gitlab

URL = os.environ["GITLAB_URL"]
NAME = os.environ["NAME"]
GROUP = f"{NAME}-group"

said = {}
root = gitlab.Gitlab(URL, private_token=os.environ["TOKEN"], per_page=2)


def names(packages):
    return [f"{package.name}@{package.version}" for package in packages]


def refusal(work):
    """The status and the words of the error that the work must end with."""
    try:
        work()
    except gitlab.exceptions.GitlabError as error:
        return [error.response_code, error.error_message]
    return "no refusal"


# Users and tokens
root.auth()
said["root_is_admin"] = root.user.is_admin
said["version"] = root.version()[0]
user = root.users.create(
    {"username": NAME, "name": "Py Thon", "email": f"{NAME}@example.com", "reset_password": True}
)
token = user.personal_access_tokens.create({"name": "publishes", "scopes": ["api"], "expires_at": "2999-12-31"})
mine = gitlab.Gitlab(URL, private_token=token.token)
mine.auth()
said["user"] = mine.user.username
by_bearer = gitlab.Gitlab(URL, oauth_token=token.token)
by_bearer.auth()
said["user_by_bearer"] = by_bearer.user.username
revoked = user.personal_access_tokens.create({"name": "is revoked", "scopes": ["api"]})
root.personal_access_tokens.delete(revoked.id)
said["revoked"] = refusal(gitlab.Gitlab(URL, private_token=revoked.token).auth)

# Groups, projects and members
group = root.groups.create({"name": "Group", "path": GROUP, "visibility": "private"})
subgroup = root.groups.create({"name": "Sub", "path": "sub", "parent_id": group.id, "visibility": "private"})
said["stranger"] = refusal(lambda: mine.groups.get(group.id))
member = group.members.create({"user_id": user.id, "access_level": gitlab.const.AccessLevel.MAINTAINER})
said["member"] = [member.id == user.id, member.access_level]
outer = mine.projects.create({"name": "Outer", "namespace_id": group.id, "visibility": "private"})
inner = mine.projects.create({"name": "Inner", "namespace_id": subgroup.id, "visibility": "private"})
said["group"] = mine.groups.get(f"{GROUP}/sub").full_path
said["groups"] = [one.full_path for one in mine.groups.list(get_all=True, min_access_level=40, order_by="id")]
said["project"] = mine.projects.get(f"{GROUP}/outer").path_with_namespace
said["projects"] = [one.name for one in mine.projects.list(iterator=True, membership=True, owned=False, per_page=1)]
reader = root.users.create({"username": f"{NAME}-2", "name": "Reader", "email": f"{NAME}-2@example.com"})
outer.members.create({"user_id": reader.id, "access_level": gitlab.const.AccessLevel.REPORTER})
outer.members.delete(reader.id)
said["removed_twice"] = refusal(lambda: outer.members.delete(reader.id))

# Deploy tokens
deploy = group.deploytokens.create({"name": "ci", "scopes": ["read_package_registry"], "username": "", "expires_at": ""})
said["deploy_token"] = [deploy.name, deploy.scopes, deploy.username == f"gitlab+deploy-token-{deploy.id}", deploy.expires_at]
said["deploy_tokens"] = [[one.id == deploy.id for one in group.deploytokens.list(get_all=True)], len(outer.deploytokens.list(get_all=True))]
machine = gitlab.Gitlab(URL, oauth_token=deploy.token)
said["machine"] = len(machine.http_list(f"/groups/{group.id}/packages", get_all=True))
group.deploytokens.delete(deploy.id)
said["machine_gone"] = refusal(lambda: machine.http_list(f"/groups/{group.id}/packages", get_all=True))

# Generic packages, up and down
content = bytes(range(256))
with tempfile.NamedTemporaryFile() as file:
    file.write(content)
    file.flush()
    for project, package, version in [
        (outer, "tool", "1.0.0"),
        (outer, "tool", "1.1.0"),
        (outer, "other", "1.0.0"),
        (inner, "inner-tool", "2.0.0"),
    ]:
        uploaded = project.generic_packages.upload(package, version, "all.bin", file.name)
    outer.generic_packages.upload("tool", "1.0.0", "more.bin", file.name)
said["uploaded"] = uploaded.message
said["downloaded"] = outer.generic_packages.download("tool", "1.0.0", "all.bin") == content
pieces = []
outer.generic_packages.download("tool", "1.0.0", "more.bin", streamed=True, action=pieces.append, chunk_size=100)
said["streamed"] = b"".join(pieces) == content

# Lists of packages: python-gitlab follows Link
said["all"] = names(outer.packages.list(get_all=True, per_page=1))
paged = outer.packages.list(iterator=True, per_page=2)
said["totals"] = [paged.total, paged.total_pages, paged.per_page, paged.current_page, paged.next_page]
said["iterated"] = names(paged)
said["page"] = names(outer.packages.list(page=2, per_page=2))
said["filtered"] = names(
    outer.packages.list(get_all=True, package_name="TOOL", package_type="generic", order_by="version", sort="desc")
)
said["none"] = names(outer.packages.list(get_all=True, package_type="npm", include_versionless=True))
managed = group.packages.list(get_all=True, order_by="name", sort="desc", exclude_subgroups=False, per_page=1)
said["group_packages"] = names(managed)
said["group_project"] = [package.project_path for package in managed][-1]
said["own_packages"] = names(group.packages.list(get_all=True, exclude_subgroups=True, order_by="name"))
said["wrong"] = refusal(lambda: outer.packages.list(get_all=True, package_type="foo"))

# One package, its files, and their end
package = outer.packages.get(managed[0].id)
said["package"] = [package.name, package.version, [one["version"] for one in package.versions]]
files = outer.packages.get(next(one.id for one in managed if one.version == "1.0.0" and one.name == "tool"))
said["files"] = [[one.file_name, one.size] for one in files.package_files.list(get_all=True, per_page=1)]
files.package_files.delete(files.package_files.list(get_all=True)[0].id)
said["files_left"] = [one.file_name for one in files.package_files.list(get_all=True)]
files.delete()
said["deleted"] = refusal(lambda: outer.packages.get(files.id))
said["left"] = names(outer.packages.list(get_all=True))

print(json.dumps(said))
