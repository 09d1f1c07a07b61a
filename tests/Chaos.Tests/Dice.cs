using System.Text;

namespace LeadPipeline.Chaos.Tests;

/// <summary>Numbers that follow from a seed and from what they are for, and from nothing else: not from threads, time or the order of questions.</summary>
internal sealed class Dice(int seed)
{
    /// <summary>A number from 0 up to 1 for this.</summary>
    public double Roll(params ReadOnlySpan<object> what)
    {
        // FNV-1a: the runtime's own hash is another one in each process.
        var hash = 14695981039346656037UL ^ (uint)seed;
        foreach (var part in what)
        {
            foreach (var b in Encoding.UTF8.GetBytes(Convert.ToString(part, System.Globalization.CultureInfo.InvariantCulture)! + "/"))
                hash = (hash ^ b) * 1099511628211UL;
        }
        // Its low bits are the mixed ones; these are spread over all.
        hash ^= hash >> 33;
        hash *= 0xff51afd7ed558ccdUL;
        hash ^= hash >> 33;
        return (hash >> 11) / (double)(1UL << 53);
    }

    /// <summary>A number in a range for this.</summary>
    public double Between(double least, double most, params ReadOnlySpan<object> what) => least + ((most - least) * Roll(what));
}
