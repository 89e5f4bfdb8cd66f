// SPDX-License-Identifier: Apache-2.0
// 64 words of a ROM, without a register: one LUT a bit.
//
//   data = mem[FIRST + addr]
//
// Its hierarchy is kept, for Yosys only: mapped together with the flip-flops or the multiplexer
// behind it, a ROM takes two to four times as many LUTs.
`default_nettype none
`include "checks.svh"

(* keep_hierarchy *)
module rom64 #(
    // Words of the whole ROM
    parameter int unsigned DEPTH = 64,
    // Bits of a word
    parameter int unsigned WIDTH = 8,
    // First of the words that this part holds, a multiple of 64
    parameter int unsigned FIRST = 0,
    // Contents of the whole ROM in $readmemh's format
    parameter INIT_FILE = ""
) (
    input  wire logic [      5:0] addr,
    output logic      [WIDTH-1:0] data
);
  `SPEC_CHECK(first, FIRST % 64 == 0 && FIRST < DEPTH,
              ("rom64: FIRST = %0d: a multiple of 64", FIRST))

  (* rom_style = "logic", ram_style = "logic" *)
  logic [WIDTH-1:0] mem[DEPTH];
  initial if (INIT_FILE != "") $readmemh(INIT_FILE, mem);
  assign data = mem[FIRST+32'(addr)];
endmodule

`default_nettype wire
