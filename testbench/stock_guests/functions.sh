# What the guests' scripts share.
item() { echo "item $1: $2"; }
# item_of NAME COMMAND...: its exit status; what it printed, when that is not 0.
item_of() {
  name=$1
  shift
  "$@" >/tmp/out 2>&1
  status=$?
  [ $status = 0 ] || cat /tmp/out
  item "$name" $status
}
# fio_verify NAME SECONDS OPTIONS...: random reads and writes, 32 at a time; what was written is read again.
fio_verify() {
  name=$1
  shift
  run=$1
  shift
  item_of "$name" fio --name=verify --rw=randrw --bsrange=4k-64k --ioengine=libaio --iodepth=32 --direct=1 \
    --verify=crc32c --verify_fatal=1 --verify_backlog=256 --time_based --runtime="$run" "$@"
}
