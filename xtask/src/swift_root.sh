# Runs a command in a Debian root with a Swift toolchain: root, working folder, shared folders, `--`, command.
# Called in mount and process name spaces of its own, so every mount and every process ends with it.
# Shared folders keep their paths, hence a path means the same inside and outside.
set -e
root=$1 folder=$2
shift 2
mount -t proc proc "$root/proc"
mount --rbind /dev "$root/dev"
mount -t tmpfs tmpfs "$root/tmp"
# Whom this machine trusts: the Rust core's TLS wants to know even before it speaks to a double.
if [ -d /etc/ssl ]; then
    mkdir -p "$root/etc/ssl"
    mount --bind /etc/ssl "$root/etc/ssl"
fi
while [ "$1" != -- ]; do
    mkdir -p "$root$1"
    mount --bind "$1" "$root$1"
    shift
done
shift
chroot "$root" /usr/bin/env -C "$folder" HOME=/root PATH=/usr/libexec/swift/bin:/usr/bin:/bin "$@"
# Not the last command: the shell has to stay, as the name space's first process, and reap orphans.
exit $?
