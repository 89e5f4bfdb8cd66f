// SPDX-License-Identifier: Apache-2.0
// RAM with one write port and one read port, registered output.
//
//   rdata(t + 1) = mem[raddr(t)] as it was before the write of t, where ren(t); else rdata(t)
//
// RAM_STYLE "distributed" (LUTRAM), "block" or "ultra" names the memory to infer. A word must not
// be read in the cycle in which it is written.
`default_nettype none
`include "checks.svh"

module ram #(
    // Words
    parameter int unsigned DEPTH = 16,
    // Bits of a word
    parameter int unsigned WIDTH = 8,
    // "distributed", "block" or "ultra"
    parameter string RAM_STYLE = "distributed",
    // Derived, do not set
    localparam int unsigned ADDR_WIDTH = DEPTH > 1 ? $clog2(DEPTH) : 1
) (
    input  wire logic                  clk,
    input  wire logic                  wen,
    input  wire logic [ADDR_WIDTH-1:0] waddr,
    input  wire logic [     WIDTH-1:0] wdata,
    input  wire logic                  ren,
    input  wire logic [ADDR_WIDTH-1:0] raddr,
    output logic      [     WIDTH-1:0] rdata
);
  `SPEC_CHECK(style, RAM_STYLE == "distributed" || RAM_STYLE == "block" || RAM_STYLE == "ultra",
              "ram: RAM_STYLE = %0s: distributed, block or ultra", RAM_STYLE)

  if (RAM_STYLE == "ultra") begin : gen_ultra
`ifdef YOSYS
    (* ram_style = "huge" *)
    // Yosys' name for it
`else
    (* ram_style = "ultra" *)
`endif
    logic [WIDTH-1:0] mem[DEPTH];
    always_ff @(posedge clk) if (wen) mem[waddr] <= wdata;
    always_ff @(posedge clk) if (ren) rdata <= mem[raddr];
  end else if (RAM_STYLE == "block") begin : gen_block
    (* ram_style = "block" *)
    logic [WIDTH-1:0] mem[DEPTH];
    always_ff @(posedge clk) if (wen) mem[waddr] <= wdata;
    always_ff @(posedge clk) if (ren) rdata <= mem[raddr];
  end else begin : gen_distributed
    (* ram_style = "distributed" *)
    logic [WIDTH-1:0] mem[DEPTH];
    always_ff @(posedge clk) if (wen) mem[waddr] <= wdata;
    always_ff @(posedge clk) if (ren) rdata <= mem[raddr];
  end
endmodule

`default_nettype wire
