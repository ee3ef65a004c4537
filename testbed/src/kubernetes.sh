# Usage: kubernetes.sh TOOLS DIRECTORY, in a network namespace of its own.
# Runs the API server of Kubernetes there, with an etcd of its own, until standard input ends; then ends both and removes their state.
set -u
tools=$1 directory=$2
PATH=$PATH:/usr/sbin:/sbin
ip link set lo up || exit 1

client=http://127.0.0.1:2379 peer=http://127.0.0.1:2380
"$tools/etcd" --data-dir "$directory/etcd" --unsafe-no-fsync --listen-client-urls $client --advertise-client-urls $client \
    --listen-peer-urls $peer --initial-advertise-peer-urls $peer --initial-cluster default=$peer \
    </dev/null >"$directory/etcd.log" 2>&1 &
etcd=$!
# It makes its certificate itself, and signs tokens with the same key. Nobody gives namespaces an account: that does the
# controller, which is not here.
"$tools/kube-apiserver" --etcd-servers $client --bind-address 127.0.0.1 --advertise-address 127.0.0.1 --secure-port 6443 \
    --cert-dir "$directory/certificate" --token-auth-file "$directory/tokens" \
    --service-account-issuer https://kubernetes.default.svc --service-account-key-file "$directory/certificate/apiserver.key" \
    --service-account-signing-key-file "$directory/certificate/apiserver.key" \
    --service-cluster-ip-range 10.0.0.0/24 --authorization-mode RBAC --endpoint-reconciler-type none \
    --disable-admission-plugins ServiceAccount </dev/null >"$directory/log" 2>&1 &
server=$!

cat >/dev/null
# Asked to end, a server without its etcd would wait for it.
kill -KILL "$server" "$etcd"
wait
rm -rf "$directory"
