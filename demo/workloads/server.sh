# Files at port 8080, and at port 9000 a text without an end.
nc -ll -p 9000 -e yes &
exec httpd -f -p 8080 -h /demo
