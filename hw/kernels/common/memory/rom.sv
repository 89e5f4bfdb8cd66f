// SPDX-License-Identifier: Apache-2.0
// ROM with a registered output: parameters and weights that a bitstream initialises.
//
//   data(t + 1) = mem[addr(t)] where en(t), else data(t)
//
// RAM_STYLE "distributed" is built of LUTs, "block" of block RAM. UltraRAM cannot be initialised
// by a bitstream, so there is no such ROM.
`default_nettype none
`include "checks.svh"

module rom #(
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
    input  wire logic [ADDR_WIDTH-1:0] addr,
    output logic      [     WIDTH-1:0] data
);
  `SPEC_CHECK(style, RAM_STYLE == "distributed" || RAM_STYLE == "block",
              ("rom: RAM_STYLE = %0s: distributed or block", RAM_STYLE))

  if (RAM_STYLE == "block") begin : gen_block
    (* rom_style = "block", ram_style = "block" *)
    logic [WIDTH-1:0] mem[DEPTH];
    initial if (INIT_FILE != "") $readmemh(INIT_FILE, mem);
    always_ff @(posedge clk) if (en) data <= mem[addr];
  end else begin : gen_distributed
`ifdef YOSYS
    // Yosys knows no LUT ROM of that name; what it reads at once it builds of LUTs. Flip-flops
    // behind shallow ones take over part of the contents; behind others that costs twice the LUTs.
    if (DEPTH <= 16) begin : gen_whole
      (* rom_style = "logic", ram_style = "logic" *)
      logic [WIDTH-1:0] mem[DEPTH];
      initial if (INIT_FILE != "") $readmemh(INIT_FILE, mem);
      always_ff @(posedge clk) if (en) data <= mem[addr];
    end else begin : gen_parts
      localparam int unsigned PARTS = (DEPTH + 63) / 64;
      localparam int unsigned PART_WIDTH = PARTS > 1 ? $clog2(PARTS) : 1;
      logic [PARTS-1:0][WIDTH-1:0] part;

      for (genvar i = 0; i < PARTS; i++) begin : gen_part
        rom64 #(
            .DEPTH    (DEPTH),
            .WIDTH    (WIDTH),
            .FIRST    (64 * i),
            .INIT_FILE(INIT_FILE)
        ) u_words (
            .addr(6'(addr)),
            .data(part[i])
        );
      end

      always_ff @(posedge clk) if (en) data <= part[PART_WIDTH'(addr>>6)];
    end
`else
    (* rom_style = "distributed" *)
    logic [WIDTH-1:0] mem[DEPTH];
    initial if (INIT_FILE != "") $readmemh(INIT_FILE, mem);
    always_ff @(posedge clk) if (en) data <= mem[addr];
`endif
  end
endmodule

`default_nettype wire
