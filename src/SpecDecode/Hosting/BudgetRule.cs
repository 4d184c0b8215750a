using SpecDecode.Stages;

namespace SpecDecode.Hosting;

/// <summary>Whether the memory for keys and values holds at least the shortest request that takes the defaults.</summary>
/// <param name="stages">The model, of which only the sizes are read.</param>
/// <param name="limit">Bytes that all sequences may reserve.</param>
/// <param name="isSet">Whether the options set that, or it follows from the machine.</param>
internal sealed class BudgetRule(IStages stages, long limit, bool isSet)
{
    /// <summary>Refuses a default that no request could have.</summary>
    /// <param name="maxTokens">New tokens after which a text ends where a request does not say.</param>
    /// <exception cref="OptionException">A prompt of one token and so many new ones never fit.</exception>
    public void Check(int maxTokens)
    {
        int tokens = (int)Math.Min(maxTokens, stages.MaxSequenceLength - 1L);
        long needed = stages.Pages.BytesOf(1 + tokens);
        if (needed <= limit)
        {
            return;
        }

        OptionName budget = OptionName.OfRuntime(nameof(RuntimeOptions.KvCacheMegabytes));
        OptionName most = new("", nameof(SpecDecodeOptions.MaxTokens));
        throw new OptionException(
            $"{budget} is {(isSet ? "" : "unset, which is here ")}{limit >> 20}, but a prompt of one token with {tokens} new ones ({most}) takes {(needed + (1 << 20) - 1) >> 20} MB for keys and values, so that no such request could ever run: give as much, or a smaller {most}.");
    }
}
