module  := arch
kind    := headers
depends := abi kernel lib/rt
exports := abi kernel lib/rt
