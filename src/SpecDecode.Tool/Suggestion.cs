namespace SpecDecode.Tool;

/// <summary>What somebody may have meant who typed something that there is not.</summary>
internal static class Suggestion
{
    /// <summary>The nearest of some words; null where none is near.</summary>
    /// <param name="typed">What was typed.</param>
    /// <param name="words">What there is.</param>
    public static string? Nearest(string typed, IEnumerable<string> words)
    {
        int most = typed.TrimStart('-').Length switch { <= 2 => 0, <= 4 => 1, <= 8 => 2, _ => 3 };
        return words
            .Select(word => (Word: word, Distance: IsBeginning(typed, word) ? 0 : Distance(typed, word)))
            .Where(candidate => candidate.Distance <= most)
            .OrderBy(candidate => candidate.Distance)
            .ThenBy(candidate => candidate.Word.Length)
            .Select(candidate => candidate.Word)
            .FirstOrDefault();
    }

    /// <summary>Whether one word differs from another by one slip: a letter put in, left out, or exchanged.</summary>
    public static bool IsSlip(string typed, string word) => Distance(typed, word) == 1;

    private static bool IsBeginning(string typed, string word) =>
        typed.TrimStart('-').Length >= 3 && word.StartsWith(typed, StringComparison.Ordinal);

    // Letters that are put in, left out, exchanged for another or with their neighbour.
    private static int Distance(string from, string to)
    {
        int[,] distance = new int[from.Length + 1, to.Length + 1];
        for (int i = 0; i <= from.Length; i++)
        {
            for (int j = 0; j <= to.Length; j++)
            {
                distance[i, j] = i == 0 ? j : j == 0 ? i : Math.Min(
                    Math.Min(distance[i - 1, j], distance[i, j - 1]) + 1, distance[i - 1, j - 1] + (from[i - 1] == to[j - 1] ? 0 : 1));
                if (i > 1 && j > 1 && from[i - 1] == to[j - 2] && from[i - 2] == to[j - 1])
                {
                    distance[i, j] = Math.Min(distance[i, j], distance[i - 2, j - 2] + 1);
                }
            }
        }

        return distance[from.Length, to.Length];
    }
}
