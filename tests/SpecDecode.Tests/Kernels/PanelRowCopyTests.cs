using SpecDecode.Descriptions;
using SpecDecode.Kernels;

namespace SpecDecode.Tests.Kernels;

/// <summary>A row that is copied from panel to panel is that row in its new place, bit for bit, and nothing else of the panel changes.</summary>
public sealed class PanelRowCopyTests
{
    public static TheoryData<int, string> Kinds => ProductTests.Kinds;

    [Theory]
    [MemberData(nameof(Kinds))]
    public unsafe void A_copied_row_is_the_row_and_its_neighbours_stay(int kind, string name)
    {
        Assert.NotEmpty(name);
        TensorFormat format = ProductCases.Kinds[kind].Format;
        Random random = new(kind);
        foreach (int inputs in (int[])[1, 2, 3, 31, 33, 100, 576])
        {
            using KernelMatrix from = KernelMatrix.Random(format, inputs, 32, random);
            using KernelMatrix to = KernelMatrix.Random(format, inputs, 32, random);
            int bytes = (int)PanelLayout.PanelBytes(format, inputs);
            ReadOnlySpan<byte> source = new(from.Panels, bytes);
            byte[] panel = new ReadOnlySpan<byte>(to.Panels, bytes).ToArray();
            List<int> origins = [.. Enumerable.Repeat(-1, 32)];
            foreach ((int fromRow, int toRow) in (ReadOnlySpan<(int, int)>)[(0, 31), (31, 0), (7, 7), (13, 20), (2, 31)])
            {
                PanelPacker.CopyRow(format, source, fromRow, panel, toRow);
                origins[toRow] = fromRow;
            }

            for (int row = 0; row < 32; row++)
            {
                float[] expected = new float[inputs];
                float[] found = new float[inputs];
                PanelPacker.UnpackRow(format, origins[row] < 0 ? new ReadOnlySpan<byte>(to.Panels, bytes) : source, origins[row] < 0 ? row : origins[row], expected);
                PanelPacker.UnpackRow(format, panel, row, found);
                Bits.AssertSame(expected, found, $"{format}, {inputs} inputs, row {row}");
            }
        }
    }
}
