using System.Globalization;
using SpecDecode.Evaluation;

namespace SpecDecode.Tool.Layers;

/// <summary>What was measured of a model's layers as two tables: blocks, and layers with the exits behind them.</summary>
internal static class LayersTable
{
    /// <summary>Heads of the table of blocks.</summary>
    public static IReadOnlyList<string> BlockHeads { get; } = ["block", "influence", "cosine", "agreement without", "time", "bytes"];

    /// <summary>Heads of the table of layers.</summary>
    public static IReadOnlyList<string> LayerHeads { get; } = ["layer", "influence", "exit agreement", "exit perplexity", "time", "bytes"];

    /// <summary>Cells of the table of blocks, row by row.</summary>
    public static IReadOnlyList<string[]> Blocks(LayerReport report) =>
        [.. report.Layers.SelectMany(layer => (string[][])[Block($"A{layer.Layer}", layer.Attention), Block($"M{layer.Layer}", layer.Mlp)])];

    /// <summary>Cells of the table of layers, row by row.</summary>
    public static IReadOnlyList<string[]> Layers(LayerReport report) =>
    [
        .. report.Layers.Select(layer => (string[])
        [
            Text($"{layer.Layer}"), Number(layer.BlockInfluence, "f4"), Number(layer.ExitAgreement, "f4"), Number(layer.ExitPerplexity, "f2"),
            Percent(layer.TimeShare), Percent(layer.ByteShare),
        ]),
    ];

    /// <summary>What both tables are about, in a sentence.</summary>
    public static string About(LayerReport report) =>
        Text($"perplexity {report.Perplexity:f4} over {report.Tokens} tokens; A is the attention of a layer and M its MLP");

    /// <summary>Writes both, their columns under each other.</summary>
    public static void Write(TextWriter output, LayerReport report)
    {
        output.WriteLine(About(report));
        output.WriteLine();
        Write(output, BlockHeads, Blocks(report));
        output.WriteLine();
        Write(output, LayerHeads, Layers(report));
    }

    private static void Write(TextWriter output, IReadOnlyList<string> heads, IReadOnlyList<string[]> rows)
    {
        int[] widths = [.. heads.Select((head, column) => Math.Max(head.Length, rows.Max(row => row[column].Length)))];
        output.WriteLine($"| {string.Join(" | ", heads.Select((head, column) => head.PadLeft(widths[column])))} |");
        output.WriteLine($"|{string.Join("|", widths.Select(width => new string('-', width + 1) + ":"))}|");
        foreach (string[] row in rows)
        {
            output.WriteLine($"| {string.Join(" | ", row.Select((cell, column) => cell.PadLeft(widths[column])))} |");
        }
    }

    private static string[] Block(FormattableString name, BlockFigures block) =>
        [Text(name), Number(block.BlockInfluence, "f4"), Number(block.Cosine, "f4"), Number(block.AgreementWithout, "f4"), Percent(block.TimeShare), Percent(block.ByteShare)];

    private static string Number(double number, string format) => double.IsFinite(number) ? number.ToString(format, CultureInfo.InvariantCulture) : "-";

    private static string Percent(double share) => Text($"{100 * share:f1} %");

    private static string Text(FormattableString text) => text.ToString(CultureInfo.InvariantCulture);
}
