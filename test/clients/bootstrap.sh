#!/usr/bin/env bash
# Sets up a new GitLab for a team: groups, projects, people and their tokens, the first packages. Then lists what is there.
# Needs bash, curl and npm, and in the environment GITLAB_URL and TOKEN, an administrator's.
set -euo pipefail
: "${GITLAB_URL:?}" "${TOKEN:?}"

API="$GITLAB_URL/api/v4"
WORK=$(mktemp -d)
trap 'rm -rf "$WORK"' EXIT

gitlab() { curl --silent --show-error --fail --globoff --header "PRIVATE-TOKEN: $TOKEN" "$@"; }
json() { gitlab --header 'Content-Type: application/json' --data "$@"; }

# The first value of a field in the JSON on stdin.
field() {
  local answer
  answer=$(cat)
  [[ $answer =~ \"$1\":\"?([^\",}]*) ]] && echo "${BASH_REMATCH[1]}"
}

echo "GitLab $(gitlab "$API/version" | field version)"

echo '== Groups'
company=$(json '{"name":"Northwind Traders","path":"northwind","visibility":"internal"}' "$API/groups" | field id)
platform=$(gitlab --data name=Platform --data path=platform --data "parent_id=$company" --data visibility=private "$API/groups" | field id)
tools=$(gitlab --request POST "$API/groups?name=Tools&path=tools&parent_id=$platform&visibility=private" | field id)
gitlab "$API/groups/northwind%2Fplatform%2Ftools" | field full_path

echo '== Projects'
ui=$(json "{\"name\":\"Web UI\",\"path\":\"ui\",\"namespace_id\":$platform,\"visibility\":\"private\",\"initialize_with_readme\":true}" "$API/projects" | field id)
cli=$(gitlab --data 'name=Command Line' --data path=cli --data "namespace_id=$tools" "$API/projects" | field id)
docs=$(gitlab --data-urlencode 'name=Docs & Notes' --data "namespace_id=$company" --data visibility=internal "$API/projects" | field id)
for project in "$ui" "$cli" "$docs"; do
  gitlab "$API/projects/$project" | field path_with_namespace
done

echo '== People'
nancy=$(json '{"username":"nancy","name":"Nancy Davolio","email":"nancy@example.com","reset_password":true,"skip_confirmation":true}' "$API/users" | field id)
robot=$(gitlab --data username=robot --data 'name=Build Robot' --data email=robot@example.com --data force_random_password=true "$API/users" | field id)
auditor=$(gitlab --request POST "$API/users?username=auditor&name=Auditor&email=auditor%40example.com&reset_password=true" | field id)
json "{\"user_id\":$nancy,\"access_level\":50}" "$API/groups/$company/members" | field username
gitlab --data "user_id=$robot&access_level=30" "$API/groups/northwind%2Fplatform/members" | field username
gitlab --request POST "$API/projects/$ui/members?user_id=$auditor&access_level=20&expires_at=2999-12-31" | field username

echo '== Tokens'
robot_token=$(gitlab --data name=ci --data 'scopes[]=api' --data expires_at=2999-12-31 "$API/users/$robot/personal_access_tokens" | field token)
nancy_token=$(json '{"name":"laptop","scopes":["api","read_user"]}' "$API/users/$nancy/personal_access_tokens" | field token)
auditor_token=$(gitlab --request POST "$API/users/$auditor/personal_access_tokens?name=audit&scopes[]=read_api" | field token)
for token in "$robot_token" "$nancy_token" "$auditor_token"; do
  curl --silent --fail --header "Authorization: Bearer $token" "$API/user" | field username
done

echo '== Publish'
mkdir "$WORK/ui" && cd "$WORK/ui"
echo '{ "name": "@northwind/ui", "version": "1.0.0" }' > package.json
cat > .npmrc <<END
@northwind:registry=$API/projects/$ui/packages/npm/
//${GITLAB_URL#*://}/api/v4/projects/$ui/packages/npm/:_authToken=$robot_token
END
npm publish --loglevel=error
echo 'echo Hello' > northwind.sh
for version in 1.0.0 1.1.0; do
  curl --silent --fail --header "Authorization: Bearer $robot_token" --upload-file northwind.sh \
    "$API/projects/$cli/packages/generic/northwind-cli/$version/northwind.sh"
  echo
done
curl --silent --fail --location --header "PRIVATE-TOKEN: $nancy_token" \
  "$API/projects/northwind%2Fplatform%2Ftools%2Fcli/packages/generic/northwind-cli/1.1.0/northwind.sh"

# Name, version and type of each package in the JSON on stdin.
packages() {
  grep -o '"name":"[^"]*","version":"[^"]*","package_type":"[^"]*"' | cut -d'"' -f4,8,12 | tr '"' ' '
}

echo '== Packages of the project'
gitlab "$API/projects/$ui/packages" | packages

echo '== Packages of the group'
page=1
while [ -n "$page" ]; do
  curl --silent --fail --dump-header "$WORK/headers" "$API/groups/northwind/packages?private_token=$nancy_token&order_by=version&sort=desc&per_page=1&page=$page" | packages
  page=$(tr -d '\r' < "$WORK/headers" | sed -n 's/^x-next-page: *//ip')
done

echo '== Packages that the auditor may see'
curl --silent --fail --header "Authorization: Bearer $auditor_token" "$API/groups/northwind/packages" | packages
