using SpecDecode.Evaluation;

namespace SpecDecode.Calibration.Selectors;

/// <summary>Random sets of attention and MLP blocks: what Draft &amp; Verify (2309.08168) compares its search with, and any method must beat.</summary>
internal sealed class RandomSelector : ILayerSelector
{
    // Sets are as often small as large; with more than this share left out nothing agrees.
    private const double MostShare = 0.7;
    private const int Tries = 256;

    /// <inheritdoc/>
    public string Name => "random";

    /// <inheritdoc/>
    public string Paper => "Draft & Verify, 2309.08168";

    /// <inheritdoc/>
    public void Search(IPlanSearch search)
    {
        if (search.Optional.Count == 0)
        {
            return;
        }

        Random random = new(search.Seed);
        for (int tried = 0; tried < Tries; tried += SearchBatch.Plans)
        {
            PlanCandidate[] batch = new PlanCandidate[SearchBatch.Plans];
            for (int i = 0; i < batch.Length; i++)
            {
                batch[i] = SkipSets.Candidate(search, SkipSets.Draw(random, search.Optional.Count, random.NextDouble() * MostShare));
            }

            if (!search.TryScore(batch, out _))
            {
                return;
            }
        }
    }
}
