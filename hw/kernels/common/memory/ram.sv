// SPDX-License-Identifier: Apache-2.0
// RAM with one write port and one read port, registered output.
//
//   rdata(t + 1) = mem[raddr(t)] as it was before the write of t, where ren(t); else rdata(t)
//
// RAM_STYLE "distributed" (LUTRAM), "block" or "ultra" names the memory to infer. A word must not
// be read in the cycle in which it is written. Where it saves UltraRAMs, of 4,096 words of 8 x 9
// bits, narrow words stand side by side in one, and a few words too many stand in LUTRAM.
`default_nettype none
`include "checks.svh"

module ram #(
    // Words
    parameter int unsigned DEPTH = 16,
    // Bits of a word
    parameter int unsigned WIDTH = 8,
    // "distributed", "block" or "ultra"
    parameter RAM_STYLE = "distributed",
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
              ("ram: RAM_STYLE = %0s: distributed, block or ultra", RAM_STYLE))

  localparam int unsigned ULTRA_WORDS = 4096;
  localparam int unsigned ULTRA_BYTES = 8;
  localparam int unsigned BYTE_WIDTH = 9;
  localparam int unsigned FEW_WORDS = 64;

  // Words that stand side by side: no more than it takes for the fewest UltraRAMs.
  function automatic int unsigned side_by_side();
    // A width of 0 is refused elsewhere, but must not hang the elaboration here.
    automatic int unsigned bytes = WIDTH == 0 ? 1 : (WIDTH + BYTE_WIDTH - 1) / BYTE_WIDTH;
    automatic int unsigned most = 1;
    automatic int unsigned words = 1;
    while (most * 2 * bytes <= ULTRA_BYTES) most = most * 2;
    while (rows(words) > rows(most)) words = words * 2;
    return words;
  endfunction

  // UltraRAMs one after another.
  function automatic int unsigned rows(input int unsigned words);
    return (DEPTH + words * ULTRA_WORDS - 1) / (words * ULTRA_WORDS);
  endfunction

  localparam int unsigned SIDE = side_by_side();
  localparam int unsigned FEW = DEPTH % ULTRA_WORDS;
  localparam bit HAS_FEW = DEPTH > ULTRA_WORDS && FEW > 0 && FEW <= FEW_WORDS;

  if (RAM_STYLE == "ultra" && SIDE > 1) begin : gen_side
    localparam int unsigned SIDE_WIDTH = $clog2(SIDE);
    localparam int unsigned ROWS = (DEPTH + SIDE - 1) / SIDE;
    localparam int unsigned PLACE = (WIDTH + BYTE_WIDTH - 1) / BYTE_WIDTH * BYTE_WIDTH;
`ifdef YOSYS
    (* ram_style = "huge" *)
    // Yosys' name for it
`else
    (* ram_style = "ultra" *)
`endif
    logic [SIDE*PLACE-1:0] mem[ROWS];
    logic [SIDE*PLACE-1:0] row_q;
    logic [SIDE_WIDTH-1:0] place_q;
    // One process writes all places: the shape of UG901's RAMs with byte-wide write enable.
    always_ff @(posedge clk) begin
      for (int unsigned n = 0; n < SIDE; n++) begin
        if (wen && waddr[SIDE_WIDTH-1:0] == SIDE_WIDTH'(n)) begin
          mem[waddr[ADDR_WIDTH-1:SIDE_WIDTH]][n*PLACE+:PLACE] <= PLACE'(wdata);
        end
      end
    end
    always_ff @(posedge clk) begin
      if (ren) begin
        row_q   <= mem[raddr[ADDR_WIDTH-1:SIDE_WIDTH]];
        place_q <= raddr[SIDE_WIDTH-1:0];
      end
    end
    assign rdata = row_q[place_q*PLACE+:WIDTH];
  end else if (RAM_STYLE == "ultra" && HAS_FEW) begin : gen_few
    localparam int unsigned MOST = DEPTH - FEW;
    localparam int unsigned MOST_WIDTH = $clog2(MOST);
    localparam int unsigned FEW_WIDTH = FEW > 1 ? $clog2(FEW) : 1;
`ifdef YOSYS
    (* ram_style = "huge" *)
`else
    (* ram_style = "ultra" *)
`endif
    logic [WIDTH-1:0] mem[MOST];
    (* ram_style = "distributed" *)
    logic [WIDTH-1:0] few[ FEW];
    logic [WIDTH-1:0] mem_q, few_q;
    logic few_read_q;
    always_ff @(posedge clk) begin
      if (wen && waddr < ADDR_WIDTH'(MOST)) mem[waddr[MOST_WIDTH-1:0]] <= wdata;
      if (wen && waddr >= ADDR_WIDTH'(MOST)) few[waddr[FEW_WIDTH-1:0]] <= wdata;
    end
    always_ff @(posedge clk) begin
      if (ren) begin
        mem_q      <= mem[raddr[MOST_WIDTH-1:0]];
        few_q      <= few[raddr[FEW_WIDTH-1:0]];
        few_read_q <= raddr >= ADDR_WIDTH'(MOST);
      end
    end
    assign rdata = few_read_q ? few_q : mem_q;
  end else if (RAM_STYLE == "ultra") begin : gen_ultra
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
