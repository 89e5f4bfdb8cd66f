// SPDX-License-Identifier: Apache-2.0
// ROM with a registered output that can be cleared: a table looked up in lanes that may be idle.
//
//   data(t + 1) = clear(t) ? 0 : mem[addr(t)] where en(t), else data(t)
//
// RAM_STYLE "distributed" is built of LUTs, "block" of block RAM. Either has the reset besides.
`default_nettype none
`include "checks.svh"

module rom_clear #(
    // Words
    parameter int unsigned DEPTH = 16,
    // Bits of a word
    parameter int unsigned WIDTH = 8,
    // Contents in $readmemh's format, one word a line; "" leaves them undefined
    parameter INIT_FILE = "",
    // "distributed" or "block"
    parameter RAM_STYLE = "distributed",
    // Derived, do not set
    localparam int unsigned ADDR_WIDTH = DEPTH > 1 ? $clog2(DEPTH) : 1
) (
    input  wire logic                  clk,
    input  wire logic                  en,
    input  wire logic                  clear,
    input  wire logic [ADDR_WIDTH-1:0] addr,
    output logic      [     WIDTH-1:0] data
);
  `SPEC_CHECK(style, RAM_STYLE == "distributed" || RAM_STYLE == "block",
              ("rom_clear: RAM_STYLE = %0s: distributed or block", RAM_STYLE))

  if (RAM_STYLE == "block") begin : gen_block
    (* rom_style = "block", ram_style = "block" *)
    logic [WIDTH-1:0] mem[DEPTH];
    initial if (INIT_FILE != "") $readmemh(INIT_FILE, mem);
    always_ff @(posedge clk) if (en) data <= clear ? '0 : mem[addr];
  end else begin : gen_distributed
`ifdef YOSYS
    // Yosys knows no LUT ROM of that name; what it reads at once it builds of LUTs.
    (* rom_style = "logic", ram_style = "logic" *)
`else
    (* rom_style = "distributed" *)
`endif
    logic [WIDTH-1:0] mem[DEPTH];
    initial if (INIT_FILE != "") $readmemh(INIT_FILE, mem);
    always_ff @(posedge clk) if (en) data <= clear ? '0 : mem[addr];
  end
endmodule

`default_nettype wire
