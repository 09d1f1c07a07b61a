using System.Globalization;
using LeadPipeline.Worker.Cli;

// One culture everywhere: what is parsed, compared and printed must not depend on where the program runs.
CultureInfo.DefaultThreadCurrentCulture = CultureInfo.CurrentCulture = CultureInfo.InvariantCulture;

return await LeadPipelineCli.RunAsync(args);
