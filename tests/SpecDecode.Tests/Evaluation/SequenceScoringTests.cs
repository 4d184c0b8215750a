using SpecDecode.Evaluation;
using SpecDecode.Generation;
using SpecDecode.Models;
using SpecDecode.Plans;
using SpecDecode.Tests.Tool;

namespace SpecDecode.Tests.Evaluation;

public sealed class SequenceScoringTests : IDisposable
{
    private readonly FixtureCheckpoint _checkpoint = new();

    public void Dispose() => _checkpoint.Dispose();

    [Fact]
    public void A_log_probability_is_that_of_plain_double_arithmetic_for_logits_of_any_size()
    {
        Random random = new(3);
        foreach (float scale in (float[])[0.01f, 1, 30, 1000])
        {
            float[] logits = [.. Enumerable.Range(0, 999).Select(_ => (float)(random.NextDouble() - 0.5) * scale)];
            double max = logits.Max();
            double expected = logits[17] - max - Math.Log(logits.Sum(logit => Math.Exp(logit - max)));
            Assert.Equal(expected, SequenceScoring.LogProbability([.. logits], 17), 1e-6 * Math.Max(1, scale));
        }
    }

    [Theory]
    [InlineData(float.NaN)]
    [InlineData(float.PositiveInfinity)]
    public void Logits_that_are_not_finite_are_an_error(float logit) =>
        Assert.Throws<SpecDecodeException>(() => SequenceScoring.LogProbability([1, logit, 2], 0));

    [Theory]
    [InlineData(256)]
    [InlineData(7)]
    [InlineData(1)]
    public void Sequences_score_the_same_packed_together_and_one_token_at_a_time(int rowsPerPass)
    {
        Random random = new(8);
        ScoredSequence[] sequences =
        [
            .. ((int[])[1, 2, 5, 30, 3, 64, 1, 9]).Select((length, i) =>
                new ScoredSequence([.. Enumerable.Range(0, length).Select(_ => random.Next(512))], 1 + i % 3)),
        ];
        using TextModel model = PlainModel.Load(
            _checkpoint.Folder, new ModelOptions { CacheFolder = _checkpoint.Cache }, cancellationToken: TestContext.Current.CancellationToken);
        double expected = 0;
        long tokens = 0;
        foreach (ScoredSequence sequence in sequences)
        {
            for (int i = sequence.Context; i < sequence.Tokens.Length; i++)
            {
                float[] logits = [.. model.Evaluate(sequence.Tokens[..i], cancellationToken: TestContext.Current.CancellationToken).LastLogits];
                double max = logits.Max();
                expected += logits[sequence.Tokens[i]] - max - Math.Log(logits.Sum(logit => Math.Exp(logit - max)));
                tokens++;
            }
        }

        using LoadedModel packed = ModelLoader.Load(
            _checkpoint.Folder, new ModelOptions { CacheFolder = _checkpoint.Cache }, new RuntimeOptions { MaxRowsPerPass = rowsPerPass },
            _ => { }, null, TestContext.Current.CancellationToken);
        List<double> shares = [];
        (double sum, long count) = SequenceScoring.Run(packed.Stages, sequences, LayerPlan.Full(packed.Stages.LayerCount), new Told(shares.Add), TestContext.Current.CancellationToken);

        Assert.Equal(tokens, count);
        Assert.Equal(expected, sum, 1e-4 * tokens);
        Assert.Equal(shares.Order(), shares);
        Assert.InRange(shares[^1], 0.5, 1);
    }

    [Fact]
    public void Cancelling_ends_the_scoring()
    {
        using LoadedModel model = ModelLoader.Load(
            _checkpoint.Folder, new ModelOptions { CacheFolder = _checkpoint.Cache }, new RuntimeOptions { MaxRowsPerPass = 4 },
            _ => { }, null, TestContext.Current.CancellationToken);
        using CancellationTokenSource enough = new();
        Assert.Throws<OperationCanceledException>(() => SequenceScoring.Run(
            model.Stages, [new ScoredSequence(new int[40], 1)], LayerPlan.Full(model.Stages.LayerCount), new Told(_ => enough.Cancel()), enough.Token));
    }

    private sealed class Told(Action<double> report) : IProgress<double>
    {
        public void Report(double value) => report(value);
    }
}
