module  := kernel
kind    := headers
depends := abi arch lib/rt
exports := abi arch lib/rt
