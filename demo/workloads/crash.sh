# Docker starts it again, after a pause that grows to a minute.
sleep 1
echo "crash: something that should be there is not" >&2
exit 1
