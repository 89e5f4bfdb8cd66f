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

  localparam int unsigned UltraWords = 4096;
  localparam int unsigned UltraBytes = 8;
  localparam int unsigned ByteWidth = 9;
  localparam int unsigned FewWords = 64;

  // Words that stand side by side: no more than it takes for the fewest UltraRAMs.
  function automatic int unsigned side_by_side();
    // A width of 0 is refused elsewhere, but must not hang the elaboration here.
    automatic int unsigned bytes = WIDTH == 0 ? 1 : (WIDTH + ByteWidth - 1) / ByteWidth;
    automatic int unsigned most = 1;
    automatic int unsigned words = 1;
    while (most * 2 * bytes <= UltraBytes) most = most * 2;
    while (rows(words) > rows(most)) words = words * 2;
    return words;
  endfunction

  // UltraRAMs one after another.
  function automatic int unsigned rows(input int unsigned words);
    return (DEPTH + words * UltraWords - 1) / (words * UltraWords);
  endfunction

  localparam int unsigned Side = side_by_side();
  localparam int unsigned Few = DEPTH % UltraWords;
  localparam bit HasFew = DEPTH > UltraWords && Few > 0 && Few <= FewWords;

  if (RAM_STYLE == "ultra" && Side > 1) begin : gen_side
    localparam int unsigned SideWidth = $clog2(Side);
    localparam int unsigned Rows = (DEPTH + Side - 1) / Side;
    localparam int unsigned Place = (WIDTH + ByteWidth - 1) / ByteWidth * ByteWidth;
`ifdef YOSYS
    (* ram_style = "huge" *)
    // Yosys' name for it
`else
    (* ram_style = "ultra" *)
`endif
    logic [Side*Place-1:0] mem[Rows];
    logic [Side*Place-1:0] row_q;
    logic [SideWidth-1:0] place_q;
    // One process writes all places: the shape of UG901's RAMs with byte-wide write enable.
    always_ff @(posedge clk) begin
      for (int unsigned n = 0; n < Side; n++) begin
        if (wen && waddr[SideWidth-1:0] == SideWidth'(n)) begin
          mem[waddr[ADDR_WIDTH-1:SideWidth]][n*Place+:Place] <= Place'(wdata);
        end
      end
    end
    always_ff @(posedge clk) begin
      if (ren) begin
        row_q   <= mem[raddr[ADDR_WIDTH-1:SideWidth]];
        place_q <= raddr[SideWidth-1:0];
      end
    end
    assign rdata = row_q[place_q*Place+:WIDTH];
  end else if (RAM_STYLE == "ultra" && HasFew) begin : gen_few
    localparam int unsigned Most = DEPTH - Few;
    localparam int unsigned MostWidth = $clog2(Most);
    localparam int unsigned FewWidth = Few > 1 ? $clog2(Few) : 1;
`ifdef YOSYS
    (* ram_style = "huge" *)
`else
    (* ram_style = "ultra" *)
`endif
    logic [WIDTH-1:0] mem[Most];
    (* ram_style = "distributed" *)
    logic [WIDTH-1:0] few[ Few];
    logic [WIDTH-1:0] mem_q, few_q;
    logic few_read_q;
    always_ff @(posedge clk) begin
      if (wen && waddr < ADDR_WIDTH'(Most)) mem[waddr[MostWidth-1:0]] <= wdata;
      if (wen && waddr >= ADDR_WIDTH'(Most)) few[waddr[FewWidth-1:0]] <= wdata;
    end
    always_ff @(posedge clk) begin
      if (ren) begin
        mem_q      <= mem[raddr[MostWidth-1:0]];
        few_q      <= few[raddr[FewWidth-1:0]];
        few_read_q <= raddr >= ADDR_WIDTH'(Most);
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
