using System.Diagnostics.Metrics;
using LeadPipeline.Worker.Telemetry;

namespace LeadPipeline.Worker.Intake;

/// <summary>What is counted at the doors. Labels are configured names: never what a sender made up.</summary>
public static class IntakeMeters
{
    private static readonly Counter<long> Unsigned = PipelineMeters.Meter.CreateCounter<long>("webhook_signatures_refused_total", "{post}", "Webhook posts whose signature was missing, wrong or old.");
    private static readonly Counter<long> Trapped = PipelineMeters.Meter.CreateCounter<long>("form_honeypot_total", "{post}", "Form posts that filled the field that people do not see.");

    /// <summary>A post was not signed as it should be.</summary>
    public static void RefusedSignature(string source) => Unsigned.Add(1, new KeyValuePair<string, object?>("source", source));

    /// <summary>A machine filled in a form.</summary>
    public static void FilledHoneypot(string form) => Trapped.Add(1, new KeyValuePair<string, object?>("form", form));
}
