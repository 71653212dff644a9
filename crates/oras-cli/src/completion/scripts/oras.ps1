# Completion of oras for PowerShell.

Register-ArgumentCompleter -Native -CommandName 'oras' -ScriptBlock {
    param($wordToComplete, $commandAst, $cursorPosition)

    $words = @($commandAst.CommandElements | Where-Object { $_.Extent.StartOffset -lt $cursorPosition } | ForEach-Object { $_.Extent.Text })
    $program = $words[0]
    $words = @($words | Select-Object -Skip 1)
    if (-not $wordToComplete) {
        # Before PowerShell 7.3 an empty argument has to be quoted twice to arrive.
        $words += if ($PSVersionTable.PSVersion -lt [version]'7.3') { '""' } else { '' }
    }
    $directive = 0
    $candidates = @()
    foreach ($line in (& $program @CALL@ @words 2>$null)) {
        if ($line -match '^:(\d+)$') { $directive = [int]$Matches[1] }
        elseif ($line) { $candidates += , ($line -split "`t", 2) }
    }
    if ($candidates.Count -eq 0) {
        # An empty answer makes PowerShell offer files.
        if ($directive -band 4) { '' }
        return
    }
    $space = if ($directive -band 2) { '' } else { ' ' }
    foreach ($candidate in $candidates) {
        $about = if ($candidate.Count -gt 1) { $candidate[1] } else { $candidate[0] }
        [System.Management.Automation.CompletionResult]::new("$($candidate[0])$space", $candidate[0], 'ParameterValue', $about)
    }
}
