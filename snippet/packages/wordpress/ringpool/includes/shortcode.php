<?php

/**
 * The shortcode [ringpool_number]: a number as it is printed, which the script swaps.
 *
 * @package Ringpool
 */

namespace Ringpool;

defined('ABSPATH') || exit;

/** Hooked to `init`. */
function add_shortcode_for_numbers(): void
{
    add_shortcode('ringpool_number', 'Ringpool\\show_number');
}

/**
 * The HTML for [ringpool_number target="+18005550100" format="national" link="yes"], or, with its
 * own text, [ringpool_number target="+442071838750" text="020 7183 8750"]. What a page cache keeps
 * is the printed number, the same for all visitors.
 *
 * @param array|string $attributes What stands in the shortcode.
 * @param string|null  $content    The rest of the page up to a stray [/ringpool_number], if any.
 */
function show_number($attributes, $content = null): string
{
    $given = shortcode_atts(
        array('target' => '', 'text' => '', 'format' => 'national', 'link' => 'no'),
        is_array($attributes) ? $attributes : array(),
        'ringpool_number'
    );
    return number_as_html($given) . do_shortcode((string) $content);
}

/**
 * A number as the page prints it.
 *
 * @param array $given The shortcode's attributes.
 */
function number_as_html(array $given): string
{
    $target = preg_replace('/[\s().-]+/', '', (string) $given['target']);
    $text = trim((string) $given['text']);
    $fault = fault_in($target, $given);
    if ('' !== $fault) {
        $text = '' === $text ? (string) $given['target'] : $text;
        // Visitors read what the author wrote; whoever may edit the page, what is wrong with it.
        $hint = current_user_can('edit_posts')
            ? ' <strong>[ringpool_number: ' . esc_html($fault) . ']</strong>'
            : '';
        return esc_html($text) . $hint;
    }
    $text = '' === $text ? formatted($target, $given['format']) : $text;
    if ('yes' === $given['link']) {
        return '<a class="ringpool-number" href="' . esc_url('tel:' . $target, array('tel')) . '">'
            . esc_html($text) . '</a>';
    }
    return '<span class="ringpool-number">' . esc_html($text) . '</span>';
}

/**
 * What is wrong with a shortcode; '' when nothing is.
 *
 * @param string $target The number without blanks.
 * @param array  $given  The shortcode's attributes.
 */
function fault_in(string $target, array $given): string
{
    if (!preg_match('/^\+[1-9]\d{6,14}$/D', $target)) {
        return __('target: a number such as +18005550100 is needed', 'ringpool');
    }
    if (!in_array($given['format'], array('national', 'international', 'e164'), true)) {
        return __('format: national, international or e164', 'ringpool');
    }
    if (!in_array($given['link'], array('yes', 'no'), true)) {
        return __('link: yes or no', 'ringpool');
    }
    return '';
}

/**
 * A number as it is printed. Numbers of +1 have one form for all; how those of other countries are
 * grouped only the service knows, so they are printed as E.164 unless the shortcode has a text.
 *
 * @param string $target E.164.
 * @param string $format How it is written: national, international or e164.
 */
function formatted(string $target, string $format): string
{
    if ('e164' === $format || !preg_match('/^\+1(\d{3})(\d{3})(\d{4})$/D', $target, $part)) {
        return $target;
    }
    return 'national' === $format
        ? "({$part[1]}) {$part[2]}-{$part[3]}"
        : "+1 {$part[1]}-{$part[2]}-{$part[3]}";
}
