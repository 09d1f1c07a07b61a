using System.Text.RegularExpressions;
using LeadPipeline.Worker.Cli;

namespace LeadPipeline.Worker.Tests.Deploy;

/// <summary>The command lines of containers, asked of the program itself.</summary>
internal static class DeployedVerbs
{
    /// <summary>Whether there is such a verb. Asked for its help only, so that nothing is done.</summary>
    public static async Task<bool> ExistsAsync(IEnumerable<string> arguments)
    {
        var (output, error) = (Console.Out, Console.Error);
        try
        {
            using var help = new StringWriter();
            Console.SetOut(help);
            Console.SetError(help);
            var words = arguments.ToList();
            return await LeadPipelineCli.RunAsync([.. words, "--help"]) == 0 && Regex.IsMatch(help.ToString(), $@"^ *\S+ {string.Join(' ', words)} \[", RegexOptions.Multiline);
        }
        finally
        {
            Console.SetOut(output);
            Console.SetError(error);
        }
    }
}
