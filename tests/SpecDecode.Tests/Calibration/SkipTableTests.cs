using SpecDecode.Calibration;
using SpecDecode.Evaluation;
using SpecDecode.Stages;
using SpecDecode.Tests.Scheduling;

namespace SpecDecode.Tests.Calibration;

public class SkipTableTests
{
    private const int Layers = 7;

    private static readonly ScriptedModel Model = new(Layers, 31, 5);

    [Theory]
    [InlineData(0)]
    [InlineData(3)]
    [InlineData(100)]
    public void The_table_is_that_of_the_recurrence(int fromEnd)
    {
        using ScriptedStages stages = new(Model, 256);
        int[] optional = [1, 2, 3, 4, 5];
        WrittenText[] texts = [.. Enumerable.Range(0, 3).Select(i => Read(stages, i))];
        int[] positions = [.. texts.Select(text => text.LastStart - fromEnd % (text.LastStart - text.FirstStart + 1))];
        IReadOnlyList<IReadOnlySet<int>> sets = SkipTable.Fill(stages, WeightSet.Verifier, texts, fromEnd, optional);
        Assert.Equal(Reference(texts, positions, optional).Select(set => string.Join(' ', set)), sets.Select(set => string.Join(' ', set.Order())));
        Assert.Equal([1, 2, 3, 4, 5], sets.Select(set => set.Count));

        // Caches are rolled back to before the tokens, whose entries are not exact any more.
        Assert.Equal(positions, texts.Select(text => text.Cache.CommittedLength));
    }

    [Theory]
    [InlineData(4, 0)]
    [InlineData(12, 2)]
    [InlineData(24, 5)]
    public void Few_rows_in_a_pass_make_a_smaller_table(int maxRows, int mostSkipped)
    {
        using ScriptedStages stages = new(Model, maxRows);
        Assert.Equal(mostSkipped, SkipTable.Fill(stages, WeightSet.Drafter, [Read(stages, 0), Read(stages, 1)], 0, [1, 2, 3, 4, 5]).Count);
    }

    private static WrittenText Read(ScriptedStages stages, int i)
    {
        int[] prompt = [i, 2, 3 + i];
        return TextReading.Read(stages, (int[])[.. prompt, .. Model.Continue(prompt, 12 + i, new HashSet<int>())], 3, CancellationToken.None);
    }

    // The paper's recurrence, with rows computed one by one from exact entries.
    private static IEnumerable<IReadOnlyList<int>> Reference(WrittenText[] texts, int[] positions, int[] optional)
    {
        ulong[][][] entries = [.. texts.Select(text => Model.Entries(text.Tokens.Span))];
        ulong[] Through(int layer, ulong[] rows) => [.. rows.Select((row, i) =>
        {
            ulong attended = 0;
            for (int position = 0; position < positions[i]; position++)
            {
                attended = ScriptedModel.Read(attended, entries[i][layer][position]);
            }

            attended = ScriptedModel.Read(attended, ScriptedModel.Entry(layer, positions[i], row));
            return ScriptedModel.AddMlp(layer, ScriptedModel.AddAttention(layer, row, attended));
        })];
        double Similarity(ulong[] left, ulong[] right) => left.Zip(right).Sum(pair =>
            (float)(ulong.PopCount(pair.First & pair.Second) / Math.Sqrt((double)ulong.PopCount(pair.First) * ulong.PopCount(pair.Second))));

        ulong[] full = [.. texts.Select((text, i) => Model.Embed(text.Tokens.Span[positions[i]]))];
        Dictionary<int, (ulong[] Rows, int[] Skipped)> column = new() { [0] = (full, []) };
        for (int layer = 0; layer < Layers; layer++)
        {
            full = Through(layer, full);
            Dictionary<int, (ulong[] Rows, int[] Skipped)> next = [];
            foreach ((int skipped, (ulong[] rows, int[] left)) in column)
            {
                List<(int Skipped, ulong[] Rows, int[] Left)> offers = [(skipped, Through(layer, rows), left)];
                if (optional.Contains(layer))
                {
                    offers.Add((skipped + 1, rows, [.. left, layer]));
                }

                foreach ((int count, ulong[] state, int[] out_) in offers)
                {
                    if (!next.TryGetValue(count, out (ulong[] Rows, int[] Skipped) other) || Similarity(state, full) > Similarity(other.Rows, full) + 1e-7)
                    {
                        next[count] = (state, out_);
                    }
                }
            }

            column = next;
        }

        return column.Where(entry => entry.Key > 0).OrderBy(entry => entry.Key).Select(entry => (IReadOnlyList<int>)entry.Value.Skipped);
    }
}
