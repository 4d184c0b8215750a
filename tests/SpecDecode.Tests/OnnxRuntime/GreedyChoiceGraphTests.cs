using Microsoft.ML.OnnxRuntime;
using SpecDecode.Descriptions;
using SpecDecode.Families;
using SpecDecode.Kernels;
using SpecDecode.OnnxRuntime;
using SpecDecode.OnnxRuntime.Graphs;
using SpecDecode.OnnxRuntime.Operators;
using SpecDecode.Sampling;
using SpecDecode.Weights;

namespace SpecDecode.Tests.OnnxRuntime;

/// <summary>The greedy choice that a graph makes is the one that is made of rows in the process: ties, odd numbers and probabilities.</summary>
public sealed class GreedyChoiceGraphTests : IDisposable
{
    private const int Tokens = 997;

    private readonly InferenceSession _session;

    public GreedyChoiceGraphTests()
    {
        RuntimeEnvironment.Get(new RuntimeOptions(), _ => { });
        using ModelFolder folder = ModelFolder.Open(Path.Combine(TestFolders.Fixtures, "llama_base"), new ModelOptions { CacheFolder = TestFolders.WeightCache });
        using PreparedWeights weights = folder.OpenWeights(ModelFamilies.Describe(folder.Checkpoint), null, TestContext.Current.CancellationToken);
        using ProductSet products = new(weights, InstructionSets.Current);
        GraphBuilder graph = new(weights, products, ElementType.Float32);
        graph.FloatOutput(graph.Choose(graph.Input("logits", "rows", Tokens), Tokens), "choices", "rows", 2);
        _session = new InferenceSession(graph.Build());
    }

    public void Dispose() => _session.Dispose();

    [Fact]
    public void Of_equal_logits_the_lowest_id_is_chosen()
    {
        Random random = new(1);
        for (int turn = 0; turn < 50; turn++)
        {
            // Few values, so that the highest is there many times.
            float[] row = [.. Enumerable.Range(0, Tokens).Select(_ => (float)random.Next(turn % 7 + 1) - 3)];
            (int token, float probability) = Choose(row);
            LogitRow wanted = new(row);

            Assert.True(row.Count(row.Max().Equals) > 1);
            Assert.Equal(wanted.Best, token);
            Assert.Equal(Softmax.Probability(wanted, token), probability, 1e-5 * Softmax.Probability(wanted, token));
        }
    }

    [Fact]
    public void The_highest_is_chosen_wherever_it_is_with_its_probability()
    {
        Random random = new(2);
        foreach (int place in (int[])[0, 1, 15, 16, 127, 128, 500, Tokens - 1])
        {
            float[] row = [.. Enumerable.Range(0, Tokens).Select(_ => random.NextSingle() * 40 - 30)];
            row[place] = 10.5f;
            (int token, float probability) = Choose(row);

            Assert.Equal(place, token);
            Assert.Equal(Softmax.Probability(new LogitRow(row), place), probability, 1e-5);
        }
    }

    [Theory]
    [InlineData(float.NaN)]
    [InlineData(float.PositiveInfinity)]
    [InlineData(float.NegativeInfinity)]
    public void A_row_with_a_number_that_is_none_is_to_be_looked_at_and_no_other(float odd)
    {
        for (int place = 0; place < Tokens; place += 83)
        {
            float[] rows = [.. Enumerable.Range(0, 3 * Tokens).Select(i => i % 11 - 5f)];
            rows[Tokens + place] = odd;
            float[] choices = Run(rows);

            Assert.Equal([false, true, false], [float.IsNaN(choices[1]), float.IsNaN(choices[3]), float.IsNaN(choices[5])]);
            Assert.Equal(new LogitRow(rows.AsSpan(2 * Tokens)).Best, choices[4]);
        }
    }

    private (int Token, float Probability) Choose(float[] row)
    {
        float[] choices = Run(row);
        return ((int)choices[0], choices[1]);
    }

    private float[] Run(float[] rows)
    {
        using OrtValue input = OrtValue.CreateTensorValueFromMemory(rows, [rows.Length / Tokens, Tokens]);
        using RunOptions options = new();
        using IDisposableReadOnlyCollection<OrtValue> outputs = _session.Run(options, ["logits"], [input], ["choices"]);
        return outputs[0].GetTensorDataAsSpan<float>().ToArray();
    }
}
