using System.Text;
using System.Text.Json.Nodes;
using LeadPipeline.Mcp.Registry;

namespace LeadPipeline.Worker.Planning;

/// <summary>Where an argument's value comes from. A closed family.</summary>
public abstract record ArgumentExpression
{
    private ArgumentExpression() { }

    /// <summary>The value itself.</summary>
    public sealed record Literal(JsonNode Value) : ArgumentExpression;

    /// <summary>Something known when the plan is made, see <see cref="FactNames"/>.</summary>
    public sealed record Fact(string Name) : ArgumentExpression;

    /// <summary>The result of an earlier step, known when the plan runs.</summary>
    public sealed record StepResult(StepReference Reference) : ArgumentExpression;

    /// <summary>Text with facts in it.</summary>
    /// <param name="Text">As written.</param>
    /// <param name="Parts">Its pieces in order.</param>
    public sealed record Template(string Text, IReadOnlyList<TemplatePart> Parts) : ArgumentExpression;

    /// <summary>Reads a text of the policy; throws <see cref="FormatException"/> that says what to write instead.</summary>
    public static ArgumentExpression Parse(string text)
    {
        if (text.StartsWith("$$", StringComparison.Ordinal))
            return new Literal(text[1..]);
        if (text.StartsWith("$steps.", StringComparison.Ordinal))
            return new StepResult(StepReference.Parse(text) ?? throw new FormatException($"'{text}' is not a reference; write $steps.STEP.RESULT"));
        if (text.StartsWith('$'))
            return new Fact(FactNames.Check(text[1..]));
        return text.AsSpan().ContainsAny('{', '}') ? ParseTemplate(text) : new Literal(text);
    }

    private static Template ParseTemplate(string text)
    {
        var parts = new List<TemplatePart>();
        var plain = new StringBuilder();
        for (var i = 0; i < text.Length; i++)
        {
            if (text[i] is '{' or '}' && i + 1 < text.Length && text[i + 1] == text[i])
            {
                plain.Append(text[i++]);
            }
            else if (text[i] == '{')
            {
                var end = text.IndexOf('}', i);
                if (end < 0)
                    throw new FormatException($"'{text}' has a '{{' without its '}}'; write {{{{ for a brace that is meant as such");
                if (plain.Length > 0)
                    parts.Add(new([], plain.ToString()));
                plain.Clear();
                parts.Add(ParsePlace(text[(i + 1)..end]));
                i = end;
            }
            else if (text[i] == '}')
            {
                throw new FormatException($"'{text}' has a '}}' without its '{{'; write }}}} for a brace that is meant as such");
            }
            else
            {
                plain.Append(text[i]);
            }
        }
        if (plain.Length > 0)
            parts.Add(new([], plain.ToString()));
        return new Template(text, parts);
    }

    private static TemplatePart ParsePlace(string place)
    {
        var choices = place.Split('|', StringSplitOptions.TrimEntries);
        // Only the last choice may be plain text: anything before it would otherwise hide a misspelt name.
        var fallback = choices.Length > 1 && !FactNames.IsKnown(choices[^1]) ? choices[^1] : null;
        return new([.. (fallback is null ? choices : choices[..^1]).Select(FactNames.Check)], fallback);
    }
}

/// <summary>A piece of a template: the first fact that is known, else the text.</summary>
/// <param name="Facts">Names, tried in order; empty for plain text.</param>
/// <param name="Text">The plain text or the fallback; null: the whole template is unknown when no fact is known.</param>
public sealed record TemplatePart(IReadOnlyList<string> Facts, string? Text);
