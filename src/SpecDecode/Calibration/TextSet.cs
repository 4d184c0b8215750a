using SpecDecode.Evaluation;
using SpecDecode.Stages;

namespace SpecDecode.Calibration;

/// <summary>Texts with caches to judge plans on.</summary>
internal sealed class TextSet : IDisposable
{
    private readonly List<WrittenText> _texts = [];

    /// <summary>Opens as many of some prompts' texts as caches have room for, one at least; those with too few tokens for a draft are left out.</summary>
    /// <param name="setting">The model and its prompts.</param>
    /// <param name="texts">New tokens of each prompt that has a text.</param>
    /// <param name="first">The first prompt's number; every second one from there.</param>
    public TextSet(CalibrationSetting setting, IReadOnlyList<int[]> texts, int first)
    {
        IStages stages = setting.Stages;
        long bytes = 0;
        try
        {
            for (int i = first; i < texts.Count; i += 2)
            {
                int[] prompt = setting.Prompts[i];
                if (!IsUsable(texts[i]))
                {
                    continue;
                }

                bytes += stages.Pages.BytesOf(prompt.Length + texts[i].Length);
                if (_texts.Count > 0 && bytes > setting.KvBytes)
                {
                    bytes -= stages.Pages.BytesOf(prompt.Length + texts[i].Length);
                    LeftOut++;
                    continue;
                }

                _texts.Add(TextReading.Open(stages, (int[])[.. prompt, .. texts[i]], prompt.Length));
                Tokens += texts[i].Length;
            }
        }
        catch
        {
            Dispose();
            throw;
        }
    }

    /// <summary>The texts.</summary>
    public IReadOnlyList<WrittenText> Texts => _texts;

    /// <summary>Their new tokens.</summary>
    public int Tokens { get; }

    /// <summary>Texts that there was no room for.</summary>
    public int LeftOut { get; }

    /// <summary>Whether a text has a token that can be drafted: the first comes with the prompt.</summary>
    public static bool IsUsable(int[] newTokens) => newTokens.Length >= 2;

    /// <inheritdoc/>
    public void Dispose() => _texts.ForEach(text => text.Cache.Dispose());
}
