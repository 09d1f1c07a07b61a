using System.Collections.Frozen;
using System.Text;
using LeadPipeline.Worker.Grounding.Values;

namespace LeadPipeline.Worker.Grounding;

/// <summary>
/// Phrases by which a text tries to steer an analyzer (Data/instructions.txt), matched word by word. Linear in the text: no
/// backtracking over characters that a hostile message could blow up.
/// </summary>
internal static class InstructionPatterns
{
    private const int LongestGap = 4;

    // Letters of other alphabets that look like Latin ones; "ignоre" with a Cyrillic о must not pass.
    private const string Lookalikes = "аеорсухіѕјԁһԛԝвкмнтαεορυκντιγ";
    private const string Latin = "aeopcyxisjdhqwbkmhtaeopyxvtiy";

    private static readonly FrozenDictionary<string, Pattern[]> ByFirstWord = EmbeddedData.Lines("instructions.txt")
        .Select(Pattern.Parse)
        .SelectMany(pattern => pattern.First.Select(word => (word, pattern)))
        .GroupBy(p => p.word, StringComparer.Ordinal)
        .ToFrozenDictionary(g => g.Key, g => g.Select(p => p.pattern).ToArray(), StringComparer.Ordinal);

    private static readonly FrozenDictionary<string, Pattern[]>.AlternateLookup<ReadOnlySpan<char>> ByFirst =
        ByFirstWord.GetAlternateLookup<ReadOnlySpan<char>>();

    /// <summary>Whether the text holds such a phrase. The text should be free of hidden characters already.</summary>
    public static bool Match(string text)
    {
        var folded = TextFold.Fold(text).Replace('\u2019', '\'');
        var words = Words(folded);
        return MatchAny(folded, words) || (!Ascii.IsValid(folded) && MatchAny(Unmask(folded), words));
    }

    private static bool MatchAny(string text, List<Range> words)
    {
        for (var i = 0; i < words.Count; i++)
        {
            if (!ByFirst.TryGetValue(text.AsSpan(words[i]), out var patterns))
                continue;
            foreach (var pattern in patterns)
            {
                if (pattern.MatchesFrom(text, words, i + 1, 1))
                    return true;
            }
        }
        return false;
    }

    private static List<Range> Words(string folded)
    {
        var words = new List<Range>(folded.Length / 6 + 1);
        for (var i = 0; i < folded.Length; i++)
        {
            var start = i;
            while (i < folded.Length && (char.IsLetterOrDigit(folded[i]) || folded[i] is '_' || (folded[i] is '\'' && i > start && i + 1 < folded.Length && char.IsLetter(folded[i + 1]))))
                i++;
            if (i > start)
                words.Add(start..i);
        }
        return words;
    }

    private static string Unmask(string word) =>
        string.Create(word.Length, word, (result, from) =>
        {
            for (var i = 0; i < from.Length; i++)
                result[i] = Lookalikes.IndexOf(from[i]) is var at and >= 0 ? Latin[at] : from[i];
        });

    /// <summary>Alternatives word by word; null stands for a gap.</summary>
    private sealed class Pattern(string[]?[] tokens)
    {
        public IEnumerable<string> First => tokens[0]!;

        public static Pattern Parse(string line) => new(
            [.. line.Split(' ').Select(token => token == "*" ? null : token.Split('|'))]);

        public bool MatchesFrom(string text, List<Range> words, int at, int token)
        {
            if (token == tokens.Length)
                return true;
            if (tokens[token] is { } alternatives)
                return at < words.Count && IsOneOf(alternatives, text.AsSpan(words[at])) && MatchesFrom(text, words, at + 1, token + 1);
            for (var gap = 0; gap <= LongestGap; gap++)
            {
                if (MatchesFrom(text, words, at + gap, token + 1))
                    return true;
            }
            return false;
        }

        private static bool IsOneOf(string[] alternatives, ReadOnlySpan<char> word)
        {
            foreach (var alternative in alternatives)
            {
                if (word.SequenceEqual(alternative))
                    return true;
            }
            return false;
        }
    }
}
