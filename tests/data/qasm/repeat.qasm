OPENQASM 3.0;
include "stdgates.inc";
qubit q;
bit c = 1;
uint[8] tries = 0;
bit[8] count;
while (c == 1) {
  h q;
  c = measure q;
  tries += 1;
  if (tries > 6) { break; }
}
count = bit[8](tries);
