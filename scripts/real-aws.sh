#!/bin/sh
# What .github/workflows/real-aws.yml does in an account besides deploying: launch, change the site, clean up.
#
#   ROLE=ARN STACK=name real-aws.sh launch|clean      ROLE may create stacks, buckets, distributions and roles
#   real-aws.sh site first|second DIRECTORY
#   real-aws.sh broken DIRECTORY                      a bundle that cannot start
#
# ROLE is assumed with the job's OIDC token; without ROLE the credentials of the environment are used.
set -eu
here=$(cd "$(dirname -- "$0")/.." && pwd)

assume() {
  if [ -z "${ROLE:-}" ]; then return; fi
  token=$(curl --fail --silent --show-error --header "Authorization: bearer $ACTIONS_ID_TOKEN_REQUEST_TOKEN" \
    "$ACTIONS_ID_TOKEN_REQUEST_URL&audience=sts.amazonaws.com" | jq --raw-output .value)
  keys=$(aws sts assume-role-with-web-identity --role-arn "$ROLE" --role-session-name real-aws --web-identity-token "$token" \
    --query 'Credentials.[AccessKeyId,SecretAccessKey,SessionToken]' --output text)
  for value in $keys; do echo "::add-mask::$value"; done
  AWS_ACCESS_KEY_ID=$(echo "$keys" | cut -f1)
  AWS_SECRET_ACCESS_KEY=$(echo "$keys" | cut -f2)
  AWS_SESSION_TOKEN=$(echo "$keys" | cut -f3)
  export AWS_ACCESS_KEY_ID AWS_SECRET_ACCESS_KEY AWS_SESSION_TOKEN
}

# deploy NAME TEMPLATE [PARAMETER=VALUE…]
deploy() {
  name=$1 template=$2
  shift 2
  # `--parameter-overrides` without a parameter is a mistake to the CLI.
  aws cloudformation deploy --stack-name "$name" --template-file "$here/setup/$template.yaml" \
    --capabilities CAPABILITY_IAM --no-fail-on-empty-changeset ${1:+--parameter-overrides "$@"}
}

# output NAME KEY
output() {
  aws cloudformation describe-stacks --stack-name "$1" --output text --query "Stacks[0].Outputs[?OutputKey=='$2'].OutputValue"
}

launch() {
  assume
  deploy "$STACK-site" site OldVersionDays=1
  bucket=$(output "$STACK-site" Bucket)
  # Found again by the clean-up, whatever else goes wrong.
  echo "bucket=$bucket" >>"$GITHUB_OUTPUT"
  set -- "Bucket=$bucket" Delete=true WaitForInvalidation=true "Distribution=$(output "$STACK-site" Distribution)" \
    "SiteUrl=$(output "$STACK-site" SiteUrl)"
  if [ "${BACKEND:-false}" = true ]; then
    platform=$(aws elasticbeanstalk list-platform-versions --output text \
      --filters "Type=PlatformName,Operator=contains,Values=Python 3" "Type=PlatformStatus,Operator==,Values=Ready" \
      --query 'PlatformSummaryList[0].PlatformArn')
    deploy "$STACK-backend" backend "ApplicationName=$STACK" "EnvironmentName=$STACK" "PlatformArn=$platform"
    set -- "$@" "ApplicationName=$STACK" "EnvironmentName=$STACK"
  fi
  # The one role that deploys: what `command: check` prints has to be enough.
  deploy "$STACK-role" role "Repository=$GITHUB_REPOSITORY" "OwnerId=$GITHUB_REPOSITORY_OWNER_ID" \
    "RepositoryId=$GITHUB_REPOSITORY_ID" "Branch=$GITHUB_REF_NAME" CreateOidcProvider=false "$@"
  {
    echo "distribution=$(output "$STACK-site" Distribution)"
    echo "site-url=$(output "$STACK-site" SiteUrl)"
    echo "role=$(output "$STACK-role" RoleToAssume)"
  } >>"$GITHUB_OUTPUT"
}

# site first|second DIRECTORY
site() {
  mkdir -p "$2/assets"
  echo "<!doctype html><title>$1</title><p>This is the $1 release." >"$2/index.html"
  echo "<!doctype html><title>Nothing</title><p>There is no such page." >"$2/404.html"
  for name in 'a b' 'a+b' 'a%2Bb' 100% "it's~" 'ünï' 'semi;colon&=?#' '(brackets)[1]!*'; do
    echo "$1 $name" >"$2/assets/$name.txt"
  done
  if [ "$1" = first ]; then
    # Goes up in parts.
    head -c 20000000 /dev/zero >"$2/assets/large.bin"
    echo "only in the first release" >"$2/old.html"
  else
    rm "$2/old.html"
    echo "only in the second release" >"$2/new +page.html"
  fi
}

# broken DIRECTORY
broken() {
  mkdir -p "$1"
  echo 'raise SystemExit("broken on purpose")' >"$1/application.py"
  echo 'web: python application.py' >"$1/Procfile"
}

# empty BUCKET [PREFIX]: every version of everything
empty() {
  while
    found=$(aws s3api list-object-versions --bucket "$1" --prefix "${2:-}" --max-items 500 --output json \
      --query '[Versions, DeleteMarkers][][].{Key: Key, VersionId: VersionId}')
    [ "$(echo "$found" | jq length)" -gt 0 ]
  do
    echo "$found" | jq '{Objects: ., Quiet: true}' >"${RUNNER_TEMP:-/tmp}/versions.json"
    aws s3api delete-objects --bucket "$1" --delete "file://${RUNNER_TEMP:-/tmp}/versions.json" >/dev/null
  done
}

# Goes on after a failure, and says at the end that there was one.
clean() {
  assume
  failed=0
  bucket=$(output "$STACK-site" Bucket 2>/dev/null || true)
  if [ -n "$bucket" ]; then empty "$bucket" || failed=1; fi
  account=$(aws sts get-caller-identity --query Account --output text)
  bundles=elasticbeanstalk-$AWS_REGION-$account
  if [ "${BACKEND:-false}" = true ] && aws s3api head-bucket --bucket "$bundles" >/dev/null 2>&1; then
    for prefix in "$STACK/" ".aws-web-deploy/$STACK/"; do empty "$bundles" "$prefix" || failed=1; done
  fi
  for part in role backend site; do
    aws cloudformation delete-stack --stack-name "$STACK-$part" || failed=1
  done
  for part in role backend site; do
    aws cloudformation wait stack-delete-complete --stack-name "$STACK-$part" || failed=1
  done
  # The template keeps it when the stack goes.
  if [ -n "$bucket" ] && aws s3api head-bucket --bucket "$bucket" >/dev/null 2>&1; then
    aws s3api delete-bucket --bucket "$bucket" || failed=1
  fi
  if [ "$failed" = 1 ]; then echo "::error::not everything of $STACK was removed: see above"; fi
  return "$failed"
}

case ${1:-} in
  launch) launch ;;
  site) site "$2" "$3" ;;
  broken) broken "$2" ;;
  clean) clean ;;
  *) sed -n '2,7s/^# \{0,1\}//p' "$0" >&2; exit 2 ;;
esac
