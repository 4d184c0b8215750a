using SpecDecode.Caching;
using SpecDecode.Drafting;
using SpecDecode.Kernels.Attention;
using SpecDecode.Models;
using SpecDecode.Plans;
using SpecDecode.Scheduling;
using SpecDecode.Sequences;

namespace SpecDecode.Tests.OnnxRuntime;

public class StepAllocationTests
{
    [Theory]
    [InlineData(1, false)]
    [InlineData(8, false)]
    [InlineData(20, false)]
    [InlineData(1, true)]
    [InlineData(1, true, 64)]
    [InlineData(1, true, 64, Precision.Int8)]
    [InlineData(1, true, 64, Precision.Int4)]
    [InlineData(1, true, 0, Precision.Int4)]
    public void Steady_decoding_on_real_stages_allocates_nothing(int sequences, bool drafts, int draftVocabulary = 0, Precision? draftHead = null)
    {
        ModelOptions options = new() { CacheFolder = TestFolders.WeightCache, DraftVocabulary = draftVocabulary, DraftHeadPrecision = draftHead };
        using LoadedModel model = ModelLoader.Load(TestFolders.StoryModel, options, new RuntimeOptions(), _ => { }, null, TestContext.Current.CancellationToken);
        EngineStep step = new(model.Stages);
        DraftPlan? draft = drafts ? new DraftPlan { Plan = LayerPlan.EarlyExit(12, 2), Length = 3 } : null;
        List<Sequence> live = [.. Enumerable.Range(0, sequences).Select(i => new Sequence(
            [0, 300 + i], 200, new HashSet<int>(), new KvCache(model.Stages.Pages, 202), draft))];
        try
        {
            // The first steps bind stages to these sequences' places. The measured ones of plain decoding lie within a page: one that begins
            // pages may take memory for them, and keep account of it.
            for (int i = 0; i < PageLayout.Positions; i++)
            {
                step.Run(live);
            }

            Assert.Equal(0, AllocatedBytes.EachTime(() =>
            {
                for (int i = 0; i < PageLayout.Positions / 4; i++)
                {
                    step.Run(live);
                }
            }));
            Assert.All(live, sequence => Assert.Null(sequence.FinishReason));
        }
        finally
        {
            live.ForEach(sequence => sequence.Dispose());
        }
    }
}
