# Ten programs a second.
while sleep 0.1; do
    /bin/true
done
