# `tail` keeps the last line, and this one never ends: the kernel ends `tail`, and the shell goes on.
while sleep 5; do
    tail /dev/zero
done
