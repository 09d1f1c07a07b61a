using LeadPipeline.Worker.Intake;

namespace LeadPipeline.Worker.Tests.Intake;

public sealed class CsvTextTests
{
    [TestCase("Acme", "Acme")]
    [TestCase("Acme, Inc", "\"Acme, Inc\"")]
    [TestCase("5\" disk", "\"5\"\" disk\"")]
    [TestCase("two\nlines", "\"two\nlines\"")]
    [TestCase(" led in", "\" led in\"")]
    [TestCase("", "")]
    public void Should_quote_what_would_be_read_otherwise(string text, string expected) =>
        Assert.That(CsvText.Field(text), Is.EqualTo(expected));

    [TestCase("=1+1", "'=1+1")]
    [TestCase("+49 89", "'+49 89")]
    [TestCase("-1", "'-1")]
    [TestCase("@SUM(A1)", "'@SUM(A1)")]
    [TestCase(" =1", "' =1")]
    [TestCase("\t=1", "'\t=1")]
    [TestCase("=HYPERLINK(\"http://x\")", "\"'=HYPERLINK(\"\"http://x\"\")\"")]
    [TestCase("a=1", "a=1")]
    public void Should_not_let_a_spreadsheet_run_what_others_wrote(string text, string expected) =>
        Assert.That(CsvText.Shown(text), Is.EqualTo(expected));
}
