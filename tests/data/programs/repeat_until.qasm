OPENQASM 3.0;
include "stdgates.inc";
def attempt(qubit[2] a, qubit target) -> bit[2] {
  reset a;
  h a;
  ccx a[0], a[1], target;
  s target;
  ccx a[0], a[1], target;
  z target;
  h a;
  return measure a;
}
qubit[2] ancilla;
qubit target;
bit[2] flags = "11";
bit result;
int tries = 0;
while (int[3](flags) != 0) {
  flags = attempt(ancilla, target);
  tries += 1;
  if (tries == 5) break;
}
result = measure target;
